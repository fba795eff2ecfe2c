/**
 * The steps of a live migration, in order: for each, the one answer that ends it and from whom, what comes next, how
 * long it may take, and what undoes it. Everything else about the steps is in `live.ts` (forward) and `live-failure.ts`
 * (undo).
 */
import type { Capability, MessageKind, NodeBounds } from '@dshard/protocol';
import { can } from '../state/nodes.js';
import type { Settings } from '../state/settings.js';
import type { LiveMigration, LiveStep } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

type LiveKind = LiveStep['kind'];

type StepRule = {
  waitsFor: 'origin' | 'destination';
  answer: MessageKind;
  next: LiveKind | 'done';
  /** Without it at the node that is waited for, the step is left out. */
  needs?: Capability;
  /** What the node has said that it gives user code in this step; comes on top of the bound. */
  adds?: keyof NodeBounds;
  /**
   * From entering the step; while copying and activating, from the last sign of progress (`relay.ts`,
   * `fleet/heartbeat.ts`).
   */
  bound: 'migrationStepTimeoutMs' | 'freezeTimeoutMs' | 'maxNodeDowntimeMs';
  /**
   * - `abort`: both ends are told, and the origin goes on as if nothing had happened.
   * - `goForward`: nobody can take it back, so the destination resumes from the cursor in the manifest.
   * - `resumeElsewhere`: the destination is made to let go, and whoever can resumes from that cursor.
   */
  undo: 'abort' | 'goForward' | 'resumeElsewhere';
  /** What is said of the node that took too long. */
  overdue: string;
};

export const LIVE_STEPS: Readonly<Record<LiveKind, StepRule>> = {
  announcing: {
    waitsFor: 'origin',
    answer: 'shardMayLeave',
    next: 'openingOrigin',
    needs: 'warm-up',
    adds: 'patienceMs',
    bound: 'migrationStepTimeoutMs',
    undo: 'abort',
    overdue: 'did not say that it may leave',
  },
  openingOrigin: {
    waitsFor: 'origin',
    answer: 'transferOpened',
    next: 'openingDestination',
    bound: 'migrationStepTimeoutMs',
    undo: 'abort',
    overdue: 'did not open the transfer',
  },
  openingDestination: {
    waitsFor: 'destination',
    answer: 'transferOpened',
    next: 'copying',
    bound: 'migrationStepTimeoutMs',
    undo: 'abort',
    overdue: 'was not ready to take it over',
  },
  copying: {
    waitsFor: 'origin',
    answer: 'transferCopied',
    next: 'warming',
    bound: 'migrationStepTimeoutMs',
    undo: 'abort',
    overdue: 'sent nothing of its state',
  },
  warming: {
    waitsFor: 'destination',
    answer: 'transferWarm',
    next: 'freezing',
    needs: 'warm-up',
    adds: 'readyMs',
    bound: 'migrationStepTimeoutMs',
    undo: 'abort',
    overdue: 'did not get ready for it',
  },
  freezing: {
    waitsFor: 'origin',
    answer: 'transferManifest',
    next: 'verifying',
    bound: 'freezeTimeoutMs',
    undo: 'abort',
    overdue: 'did not freeze it and send what had changed',
  },
  verifying: {
    waitsFor: 'destination',
    answer: 'transferVerified',
    next: 'releasing',
    bound: 'migrationStepTimeoutMs',
    undo: 'abort',
    overdue: 'did not verify what it was sent',
  },
  releasing: {
    waitsFor: 'origin',
    answer: 'transferReleased',
    next: 'activating',
    // An origin that was asleep may unfreeze when it wakes, unless its lease is over by then (`fleet/handshake.ts`).
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
    overdue: 'did not say that it resumes it',
  },
};

/** The two nodes that a migration is between. */
type Ends = Pick<LiveMigration, 'origin' | 'destination'>;

/** How long the step may take. @param theirs what the node that is waited for has said of itself. */
export function boundOf(settings: Settings, kind: LiveKind, theirs: NodeBounds | null = null): number {
  const { bound, adds } = LIVE_STEPS[kind];
  return settings[bound] + (adds === undefined ? 0 : (theirs?.[adds] ?? 0));
}

/** How long the step may take between these nodes. */
export function boundBetween(tx: Transaction, ends: Ends, kind: LiveKind): number {
  return boundOf(tx.settings, kind, tx.node(ends[LIVE_STEPS[kind].waitsFor])?.bounds);
}

/** This step, or the first after it that the nodes know. */
function orNext(tx: Transaction, ends: Ends, kind: LiveKind): LiveKind {
  const { needs, waitsFor, next } = LIVE_STEPS[kind];
  const isKnown = needs === undefined || can(tx.node(ends[waitsFor]), needs);
  return isKnown || next === 'done' ? kind : orNext(tx, ends, next);
}

/** The step that a live migration between these nodes begins with. */
export function firstStep(tx: Transaction, ends: Ends): LiveKind {
  return orNext(tx, ends, 'announcing');
}

/** The step that comes after the one it is in. */
export function nextStep(tx: Transaction, migration: LiveMigration): LiveKind | 'done' {
  const { next } = LIVE_STEPS[migration.step.kind];
  return next === 'done' ? next : orNext(tx, migration, next);
}

/** The only way from one step to another. */
export function enterStep(tx: Transaction, migration: LiveMigration, step: LiveStep): LiveMigration {
  const { kind } = migration.step;
  if (nextStep(tx, migration) !== step.kind) {
    throw new Error(`migration ${migration.id} cannot go from ${kind} to ${step.kind}`);
  }
  const entered = { ...migration, step, deadline: tx.now + boundBetween(tx, migration, step.kind) };
  tx.setMigration(entered);
  return entered;
}

/** Before COMMIT the shard is the origin's, and every failure calls the migration off. */
export function canAbort(migration: LiveMigration): boolean {
  return LIVE_STEPS[migration.step.kind].undo === 'abort';
}

/** Whether the destination has heard of it. */
export function isKnownToDestination({ step }: LiveMigration): boolean {
  return step.kind !== 'announcing' && step.kind !== 'openingOrigin';
}
