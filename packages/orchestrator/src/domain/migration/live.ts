/**
 * One shard moves live: its state is copied while it serves, and only the last moment is frozen. Both ends name
 * `live-migration`; the messages are in transfer-messages.ts of @dshard/protocol, the answers and deadlines in
 * `live-steps.ts`.
 *
 *     announcing → openingOrigin → openingDestination → copying → warming → freezing → verifying → [COMMIT] → releasing → activating → done
 *     └──────────────────────────── any failure: aborted,    the origin goes on ────────────────┘             └─── only forward ───┘
 *
 * `announcing` and `warming` are for user code, at the origin and at the destination, and are left out for a node that
 * does not know them. While a shard is announced its node's patience may be long (a game is played to its end): it
 * takes no room and no budget then, and waits for both when it may leave.
 *
 * COMMIT is the entry into `releasing`: the state says that the shard is the destination's before transferRelease is
 * sent (effects are executed after the state they came with is kept, and a durable store keeps it before they are).
 * Between the two the origin may have unfrozen by itself; it then refuses the release, and the shard is its own again.
 * Once it has said transferReleased nothing leads back.
 *
 * Whether a release that was not answered took place only the origin knows, so one that is lost in `releasing` is not
 * given up at once unless it is known dead: it says when it comes back which of the two it was, and never are two nodes
 * told to serve. Not back within maxNodeDowntime it counts as dead, as everywhere. The cursor and the state are at the
 * destination already; it resumes from that cursor and no later one, for the state is as of it, and marks what comes
 * again as redelivered, for an origin that unfroze has served on.
 */
import type { GatewaySession, MessageOf } from '@dshard/protocol';
import type { LiveMigration, Manifest } from '../state/state.js';
import { can } from '../state/nodes.js';
import { upLink } from '../state/shard-link.js';
import { checkpointOf } from '../shards/vacate.js';
import type { Transaction } from '../state/transaction.js';
import { assign, assignFrom, noteCheckpoint, markOriginDone, markOriginOut } from '../shards/epochs.js';
import { isPark } from '../state/park.js';
import { enterStep, nextStep } from './live-steps.js';
import { enterParked, MOST_HELD_MS } from './parked.js';
import { takesRoom } from '../state/migrations.js';
import { recordMoveStarted } from './limits.js';

type At<K extends LiveMigration['step']['kind']> = LiveMigration & { step: { kind: K } };

export function of({ id, shard }: LiveMigration): { migrationId: string; shardId: number } {
  return { migrationId: id, shardId: shard };
}

/** The first step; the migration is in it already. */
export function announce(tx: Transaction, migration: At<'announcing'>): void {
  const { patienceMs } = migration.step;
  tx.send(migration.origin, { kind: 'shardLeaving', ...of(migration), patienceMs });
}

/** User code has finished. Where nobody was waited for, its room was taken when it began. */
export function onMayLeave(tx: Transaction, migration: At<'announcing'>): void {
  const { step } = migration;
  if (step.patienceMs === 0) leaveNow(tx, migration);
  else {
    const deadline = tx.now + tx.settings.budgetTimeoutMs;
    tx.setMigration({ ...migration, step: { ...step, mayLeave: true }, deadline });
  }
}

export function leaveNow(tx: Transaction, migration: At<'announcing'>): void {
  const entered = enterStep(tx, migration, { kind: 'openingOrigin' });
  if (!takesRoom(migration)) recordMoveStarted(tx, migration, true);
  openOrigin(tx, entered);
}

/** The migration is in the step already. */
export function openOrigin(tx: Transaction, migration: LiveMigration): void {
  const { freezeTimeoutMs } = tx.settings;
  const message = { kind: 'transferOpen', role: 'origin', freezeTimeoutMs } as const;
  const session = migration.parked?.known.session ?? null;
  tx.send(migration.origin, { ...message, session, ...of(migration) });
}

/**
 * @param told the origin's session now; a host that does not say it has reported one in heartbeats, which is good
 * enough to connect by.
 */
export function onOriginOpened(tx: Transaction, migration: At<'openingOrigin'>, told: GatewaySession | null): void {
  const session = told ?? checkpointOf(tx, migration.origin, migration.shard)?.session ?? null;
  enterStep(tx, migration, { kind: 'openingDestination', session });
  const { freezeTimeoutMs } = tx.settings;
  const message = { kind: 'transferOpen', role: 'destination', session, freezeTimeoutMs } as const;
  tx.send(migration.destination, { ...message, ...of(migration) });
}

export function onDestinationOpened(tx: Transaction, migration: At<'openingDestination'>, creditBytes: number): void {
  enterStep(tx, migration, { kind: 'copying', session: migration.step.session });
  tx.send(migration.origin, { kind: 'transferCopy', ...of(migration), creditBytes });
}

export function onCopied(tx: Transaction, migration: At<'copying'>): void {
  const { step, together } = migration;
  const { session } = step;
  if (together === true) {
    const deadline = tx.now + MOST_HELD_MS + tx.settings.migrationStepTimeoutMs;
    tx.setMigration({ ...migration, step: { ...step, copiedAt: tx.now }, deadline });
    return;
  }
  if (nextStep(tx, migration) !== 'warming') {
    freeze(tx, migration);
    return;
  }
  enterStep(tx, migration, { kind: 'warming', session });
  const message = { kind: 'transferWarmUp', ...of(migration), session } as const;
  tx.send(migration.destination, migration.parked === undefined ? message : { ...message, unserved: true });
}

export function freeze(tx: Transaction, migration: At<'copying' | 'warming'>): void {
  enterStep(tx, migration, { kind: 'freezing', session: migration.step.session, frozenAt: tx.now });
  tx.send(migration.origin, { kind: 'transferFreeze', ...of(migration) });
}

/** Everything that was sent before it has been passed on before it: both go the same way, in order. */
export function onManifestCame(
  tx: Transaction,
  migration: At<'freezing'>,
  message: MessageOf<'transferManifest'>,
  session: GatewaySession,
): void {
  const { events, bytes, hash } = message;
  const manifest: Manifest = { session, events, bytes, hash };
  enterStep(tx, migration, { kind: 'verifying', frozenAt: migration.step.frozenAt, manifest });
  tx.send(migration.destination, { ...message, session });
}

/** COMMIT, then RELEASE. */
export function commit(tx: Transaction, migration: At<'verifying'>): void {
  const { frozenAt, manifest } = migration.step;
  const step = { kind: 'releasing', frozenAt, manifest } as const;
  const entered = enterStep(tx, migration, step);
  if (migration.parked !== undefined) {
    // Nobody serves it, so there is nobody to let go.
    assign(tx, migration.shard, migration.epoch);
    activate(tx, { ...entered, step }, migration.parked.known.exact === true);
    return;
  }
  assignFrom(tx, migration.shard, migration.origin, migration.epoch);
  tx.send(migration.origin, { kind: 'transferRelease', ...of(migration) });
}

/** @param originReleased it let go or stopped with the manifest's cursor; false: it may have gone on from there. */
export function activate(tx: Transaction, migration: At<'releasing'>, originReleased: boolean): void {
  if (isPark(migration.destination)) {
    enterParked(tx, migration, originReleased);
    return;
  }
  const { frozenAt, manifest } = migration.step;
  enterStep(tx, migration, { kind: 'activating', frozenAt, activatedAt: tx.now, manifest, originReleased });
  markOriginOut(tx, migration.shard);
  const message = { kind: 'transferActivate', ...of(migration) } as const;
  const redelivers = !originReleased && can(tx.node(migration.destination), 'epochs');
  tx.send(migration.destination, redelivers ? { ...message, redelivers } : message);
}

/** @param resumed false: the session was gone, so the destination identified. */
export function onActivated(tx: Transaction, migration: At<'activating'>, resumed: boolean): void {
  const { id, shard, origin, destination, request, startedAt, operation } = migration;
  const { frozenAt, activatedAt, manifest } = migration.step;
  tx.setShard(shard, { kind: 'running', node: destination, since: tx.now, link: upLink(destination, tx.now) });
  markOriginDone(tx, shard);
  if (resumed) noteCheckpoint(tx, shard, { session: manifest.session, at: tx.now });
  tx.removeMigration(id);
  tx.send(origin, { kind: 'transferDone', ...of(migration) });
  const durationMs = tx.now - startedAt;
  const frozenMs = tx.now - frozenAt;
  const { events: userEvents, bytes } = manifest;
  const how = resumed ? '' : ' Its gateway session was gone, so it identified anew.';
  const { parked } = migration;
  const text =
    parked === undefined
      ? `Shard ${shard} moved from node ${origin} to node ${destination}, frozen for ${frozenMs} ms.${how}`
      : `Shard ${shard} runs on node ${destination}, after ${tx.now - parked.since} ms parked.${how}`;
  const times = { durationMs, frozenMs, replayMs: tx.now - activatedAt };
  const facts = { shard, origin, destination, ...times, userEvents, bytes, resumed, operation };
  const ofPark = parked && { parkedMs: tx.now - parked.since };
  tx.record(
    'migrationCompleted',
    resumed ? 'info' : 'warn',
    text,
    { migration: id, ...facts, ...ofPark },
    migration.by,
  );
  tx.done(request, text, { migration: id, ...facts });
  tx.leaveOutcome(operation, { kind: 'moved', shard });
}
