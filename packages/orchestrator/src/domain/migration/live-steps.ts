/**
 * The steps of a live migration, in order: for each, the one answer that ends it and from whom, what comes next, how long it may take, and
 * what undoes it. Everything else about the steps is in `live.ts` (forward) and `live-failure.ts` (undo).
 */
import type { MessageKind } from '@dshard/protocol';
import type { Settings } from '../settings.js';
import type { LiveMigration, LiveStep } from '../state.js';
import type { Turn } from '../turn.js';

type LiveKind = LiveStep['kind'];

type StepRule = {
  waitsFor: 'origin' | 'destination';
  answer: MessageKind;
  next: LiveKind | 'done';
  /** From entering the step; while copying, from the last sign of progress (`relay.ts`). */
  bound: 'migrationStepTimeoutMs' | 'freezeTimeoutMs' | 'maxNodeDowntimeMs';
  /**
   * - `callOff`: both ends are told, and the origin goes on as if nothing had happened.
   * - `goForward`: nobody can take it back, so the destination resumes from the cursor in the manifest.
   * - `resumeElsewhere`: the destination is made to let go, and whoever can resumes from that cursor.
   */
  undo: 'callOff' | 'goForward' | 'resumeElsewhere';
  /** What is said of the node that took too long. */
  overdue: string;
};

export const LIVE_STEPS: Readonly<Record<LiveKind, StepRule>> = {
  openingOrigin: {
    waitsFor: 'origin',
    answer: 'transferOpened',
    next: 'openingDestination',
    bound: 'migrationStepTimeoutMs',
    undo: 'callOff',
    overdue: 'did not open the hand-over',
  },
  openingDestination: {
    waitsFor: 'destination',
    answer: 'transferOpened',
    next: 'copying',
    bound: 'migrationStepTimeoutMs',
    undo: 'callOff',
    overdue: 'was not ready to take it over',
  },
  copying: {
    waitsFor: 'origin',
    answer: 'transferCopied',
    next: 'freezing',
    bound: 'migrationStepTimeoutMs',
    undo: 'callOff',
    overdue: 'sent nothing of its state',
  },
  freezing: {
    waitsFor: 'origin',
    answer: 'transferManifest',
    next: 'verifying',
    bound: 'freezeTimeoutMs',
    undo: 'callOff',
    overdue: 'did not freeze it and send what had changed',
  },
  verifying: {
    waitsFor: 'destination',
    answer: 'transferVerified',
    next: 'releasing',
    bound: 'migrationStepTimeoutMs',
    undo: 'callOff',
    overdue: 'did not verify what it was sent',
  },
  releasing: {
    waitsFor: 'origin',
    answer: 'transferReleased',
    next: 'activating',
    // An origin that was asleep may unfreeze when it wakes, unless its lease is over by then (`liveness/lease.ts`).
    bound: 'maxNodeDowntimeMs',
    undo: 'goForward',
    overdue: 'did not say that it let go',
  },
  activating: {
    waitsFor: 'destination',
    answer: 'transferActivated',
    next: 'done',
    bound: 'migrationStepTimeoutMs',
    undo: 'resumeElsewhere',
    overdue: 'did not resume it',
  },
};

export function boundOf(settings: Settings, kind: LiveKind): number {
  return settings[LIVE_STEPS[kind].bound];
}

/** The only way from one step to another. */
export function enterStep(turn: Turn, migration: LiveMigration, step: LiveStep): LiveMigration {
  const { kind } = migration.step;
  if (LIVE_STEPS[kind].next !== step.kind) {
    throw new Error(`migration ${migration.id} cannot go from ${kind} to ${step.kind}`);
  }
  const entered = { ...migration, step, deadline: turn.now + boundOf(turn.settings, step.kind) };
  turn.setMigration(entered);
  return entered;
}

/** Before COMMIT the shard is the origin's, and every failure calls the migration off. */
export function canBeCalledOff(migration: LiveMigration): boolean {
  return LIVE_STEPS[migration.step.kind].undo === 'callOff';
}
