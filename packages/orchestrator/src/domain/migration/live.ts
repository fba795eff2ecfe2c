/**
 * One shard moves live: its state is copied while it serves, and only the last moment is frozen. Both ends name `live-migration`; the
 * messages are in transfer-messages.ts of @dshard/protocol, the answers and deadlines in `live-steps.ts`.
 *
 *     announcing → openingOrigin → openingDestination → copying → warming → freezing → verifying → [COMMIT] → releasing → activating → done
 *     └──────────────────────────── any failure: called off, the origin goes on ────────────────┘             └─── only forward ───┘
 *
 * `announcing` and `warming` are for user code, at the origin and at the destination, and are left out for a node that does not know them.
 * While a shard is announced its node's patience may be long (a game is played to its end): it takes no room and no budget then, and
 * waits for both when it may leave.
 *
 * COMMIT is the entry into `releasing`: the state says that the shard is the destination's before transferRelease is sent (effects
 * are executed after the state they came with is kept, and a durable store keeps it before they are). Between the two the origin may have
 * unfrozen by itself; it then refuses the release, and the shard is its own again. Once it has said transferReleased nothing leads back.
 *
 * Whether a release that was not answered took place only the origin knows, so one that is lost in `releasing` is not given up at once
 * unless it is known dead: it says when it comes back which of the two it was, and never are two nodes told to serve. Not back within
 * maxNodeDowntime it counts as dead, as everywhere. The cursor and the state are at the destination already; it resumes from that
 * cursor and no later one, for the state is as of it, and marks what comes again as redelivered, for an origin that unfroze has served on.
 */
import type { GatewaySession, MessageOf } from '@dshard/protocol';
import type { LiveMigration, Manifest } from '../state/state.js';
import { can } from '../state/nodes.js';
import { checkpointOf } from '../shards/vacate.js';
import type { Turn } from '../state/transaction.js';
import { assignFrom, noteCheckpoint, originIsDone, originIsOut } from '../shards/epochs.js';
import { enterStep, nextStep } from './live-steps.js';
import { takesRoom } from '../state/migrations.js';
import { moveStarted } from './started.js';

type At<K extends LiveMigration['step']['kind']> = LiveMigration & { step: { kind: K } };

export function of({ id, shard }: LiveMigration): { migrationId: string; shardId: number } {
  return { migrationId: id, shardId: shard };
}

/** The first step; the migration is in it already. */
export function announce(turn: Turn, migration: At<'announcing'>): void {
  const { patienceMs } = migration.step;
  turn.send(migration.origin, { kind: 'shardLeaving', ...of(migration), patienceMs });
}

/** User code has finished. Where nobody was waited for, its room was taken when it began. */
export function mayLeave(turn: Turn, migration: At<'announcing'>): void {
  const { step } = migration;
  if (step.patienceMs === 0) leaveNow(turn, migration);
  else {
    const deadline = turn.now + turn.settings.budgetTimeoutMs;
    turn.setMigration({ ...migration, step: { ...step, mayLeave: true }, deadline });
  }
}

export function leaveNow(turn: Turn, migration: At<'announcing'>): void {
  const entered = enterStep(turn, migration, { kind: 'openingOrigin' });
  if (!takesRoom(migration)) moveStarted(turn, migration, true);
  openOrigin(turn, entered);
}

/** The migration is in the step already. */
export function openOrigin(turn: Turn, migration: LiveMigration): void {
  const { freezeTimeoutMs } = turn.settings;
  const message = { kind: 'transferOpen', role: 'origin', session: null, freezeTimeoutMs } as const;
  turn.send(migration.origin, { ...message, ...of(migration) });
}

/** @param told the origin's session now; a host that does not say it has reported one in heartbeats, which is good enough to connect by. */
export function originOpened(turn: Turn, migration: At<'openingOrigin'>, told: GatewaySession | null): void {
  const session = told ?? checkpointOf(turn, migration.origin, migration.shard)?.session ?? null;
  enterStep(turn, migration, { kind: 'openingDestination', session });
  const { freezeTimeoutMs } = turn.settings;
  const message = { kind: 'transferOpen', role: 'destination', session, freezeTimeoutMs } as const;
  turn.send(migration.destination, { ...message, ...of(migration) });
}

export function destinationOpened(turn: Turn, migration: At<'openingDestination'>, creditBytes: number): void {
  enterStep(turn, migration, { kind: 'copying', session: migration.step.session });
  turn.send(migration.origin, { kind: 'transferCopy', ...of(migration), creditBytes });
}

export function copied(turn: Turn, migration: At<'copying'>): void {
  const { session } = migration.step;
  if (nextStep(turn, migration) !== 'warming') {
    freeze(turn, migration);
    return;
  }
  enterStep(turn, migration, { kind: 'warming', session });
  turn.send(migration.destination, { kind: 'transferWarmUp', ...of(migration), session });
}

export function freeze(turn: Turn, migration: At<'copying' | 'warming'>): void {
  enterStep(turn, migration, { kind: 'freezing', session: migration.step.session, frozenAt: turn.now });
  turn.send(migration.origin, { kind: 'transferFreeze', ...of(migration) });
}

/** Everything that was sent before it has been passed on before it: both go the same way, in order. */
export function manifestCame(
  turn: Turn,
  migration: At<'freezing'>,
  message: MessageOf<'transferManifest'>,
  session: GatewaySession,
): void {
  const { events, bytes } = message;
  const manifest: Manifest = { session, events, bytes };
  enterStep(turn, migration, { kind: 'verifying', frozenAt: migration.step.frozenAt, manifest });
  turn.send(migration.destination, message);
}

/** COMMIT, then RELEASE. */
export function commit(turn: Turn, migration: At<'verifying'>): void {
  const { frozenAt, manifest } = migration.step;
  enterStep(turn, migration, { kind: 'releasing', frozenAt, manifest });
  assignFrom(turn, migration.shard, migration.origin, migration.epoch);
  turn.send(migration.origin, { kind: 'transferRelease', ...of(migration) });
}

/** @param originReleased it let go or stopped with the manifest's cursor; false: it may have gone on from there. */
export function activate(turn: Turn, migration: At<'releasing'>, originReleased: boolean): void {
  const { frozenAt, manifest } = migration.step;
  enterStep(turn, migration, { kind: 'activating', frozenAt, manifest, originReleased });
  originIsOut(turn, migration.shard);
  const message = { kind: 'transferActivate', ...of(migration) } as const;
  const redelivers = !originReleased && can(turn.node(migration.destination), 'epochs');
  turn.send(migration.destination, redelivers ? { ...message, redelivers } : message);
}

/** @param resumed false: the session was gone, so the destination identified. */
export function activated(turn: Turn, migration: At<'activating'>, resumed: boolean): void {
  const { id, shard, origin, destination, request, startedAt } = migration;
  const { frozenAt, manifest } = migration.step;
  turn.setShard(shard, { kind: 'running', node: destination, since: turn.now });
  originIsDone(turn, shard);
  if (resumed) noteCheckpoint(turn, shard, { session: manifest.session, at: turn.now });
  turn.removeMigration(id);
  turn.send(origin, { kind: 'transferDone', ...of(migration) });
  const durationMs = turn.now - startedAt;
  const frozenMs = turn.now - frozenAt;
  const { events: userEvents, bytes } = manifest;
  const how = resumed ? '' : ' Its gateway session was gone, so it identified anew.';
  const text = `Shard ${shard} moved from node ${origin} to node ${destination}, frozen for ${frozenMs} ms.${how}`;
  const facts = { shard, origin, destination, durationMs, frozenMs, userEvents, bytes, resumed };
  turn.happened('migrationCompleted', resumed ? 'info' : 'warn', text, { migration: id, ...facts }, migration.by);
  turn.done(request, text, facts);
  turn.leaveOutcome(migration.operation, { kind: 'moved', shard });
}
