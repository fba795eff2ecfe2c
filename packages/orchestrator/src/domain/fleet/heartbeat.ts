/**
 * A heartbeat is the node's full state. What it names is believed (`claims.ts`); a shard it should run and does not
 * name twice in a row is vacant (once may be a heartbeat that was on its way).
 */
import type { MessageOf, ShardReport } from '@dshard/protocol';
import { assignmentOf, isPossibleEpoch } from '../state/epochs.js';
import { claim } from './claims.js';
import { noteLoads } from './weights.js';
import { lookAtVersion } from './version-health.js';
import { nodeSurvey } from '../state/node-survey.js';
import { can, isShuttingDown } from '../state/nodes.js';
import { inexact, knownNow, vacate } from '../shards/vacate.js';
import type { Transaction } from '../state/transaction.js';
import { noteCheckpoint } from '../shards/epochs.js';
import { boundBetween } from '../migration/live-steps.js';
import { isLive, ownerOf } from '../state/migrations.js';
import { reportedLink, troubleOf, type ShardLink } from '../state/shard-link.js';
import { migrationOf } from '../migration/steps.js';
import type { MigrationState } from '../state/state.js';

export function onHeartbeat(tx: Transaction, id: string, said: MessageOf<'heartbeat'>): void {
  const node = tx.node(id);
  if (node === undefined) return;
  const message = { ...said, shards: oneOfEach(tx, said.shards) };
  const { shards, process } = message;
  const signals = can(node, 'signals') ? (message.signals ?? null) : null;
  tx.setNode({ ...node, shardReports: shards, process, signals });
  tx.send(id, { kind: 'heartbeatAck', sequence: message.sequence });
  noteCheckpoints(tx, id, message);
  if (isShuttingDown(node)) return;
  const named = new Set<number>();
  const unbelieved: number[] = [];
  for (const report of message.shards) {
    named.add(report.shardId);
    if (!isPossibleEpoch(tx.state, report.epoch ?? 0, tx.now)) unbelieved.push(report.shardId);
    else if (isForeign(tx, id, report)) claim(tx, id, report.shardId, report.epoch);
  }
  if (unbelieved.length > 0) {
    const why = `it names shard(s) ${unbelieved.join(', ')} under epochs that nobody can have given. Is a clock wrong?`;
    tx.record('protocolViolation', 'warn', `Node ${id} sent heartbeat: ${why}`, {
      node: id,
      message: 'heartbeat',
      why,
    });
  }
  noteLinks(tx, id, message.shards);
  noteLoads(tx, message.shards);
  noteResumes(tx, id, message.shards);
  noticeMissing(tx, id, named);
  lookAtVersion(tx, node.version);
}

/** How the gateway connections are of the shards that are this node's to serve. */
function noteLinks(tx: Transaction, id: string, reports: readonly ShardReport[]): void {
  const changed: { shard: number; link: ShardLink }[] = [];
  for (const report of reports) {
    const state = tx.shard(report.shardId);
    if (state?.kind !== 'running' && state?.kind !== 'starting' && state?.kind !== 'migrating') continue;
    if (serverOf(tx, report.shardId) !== id) continue;
    const link = reportedLink(id, report, state.link, tx.now);
    if (link === state.link) continue;
    tx.setShard(report.shardId, { ...state, link });
    if (state.link?.node !== id || troubleOf(state.link) !== troubleOf(link))
      changed.push({ shard: report.shardId, link });
  }
  recordLinks(tx, id, changed);
}

/** One entry for all shards of the node that came up, went down or were refused together, for the same reason. */
function recordLinks(tx: Transaction, node: string, changed: readonly { shard: number; link: ShardLink }[]): void {
  const groups = new Map<string, { shards: number[]; link: ShardLink }>();
  for (const { shard, link } of changed) {
    const key = JSON.stringify([troubleOf(link), link.refused, link.reason]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { shards: [shard], link });
    else group.shards.push(shard);
  }
  for (const { shards, link } of groups.values()) {
    const which = `${shards.length === 1 ? 'Shard' : 'Shards'} ${shards.join(', ')} on node ${node}`;
    const reason = link.reason ?? 'its node does not say why';
    switch (troubleOf(link)) {
      case 'up':
        tx.record('shardsUp', 'info', `${which}: up (READY or RESUMED).`, { node, shards });
        break;
      case 'disconnected':
        tx.record('shardsDisconnected', 'warn', `${which}: disconnected: ${reason}.`, { node, shards, reason });
        break;
      case 'refused': {
        const text = `${which}: refused by Discord (close code ${link.refused}): ${reason}.`;
        tx.record('shardsRefused', 'error', text, { node, shards, code: link.refused, reason });
        break;
      }
      case 'waiting':
      case 'frozen':
      case 'starting':
        break;
    }
  }
}

/** Whose word counts; up to the point of no return that of the origin. */
function serverOf(tx: Transaction, shard: number): string | null {
  const state = tx.shard(shard);
  if (state === undefined) return null;
  if (state.kind !== 'migrating') return 'node' in state ? state.node : null;
  const migration = migrationOf(tx, shard);
  return migration === undefined ? null : ownerOf(migration);
}

/** Of shards that there are, one report each: a list is as long as its sender likes. */
function oneOfEach(tx: Transaction, reports: readonly ShardReport[]): readonly ShardReport[] {
  const seen = new Set<number>();
  return reports.filter(({ shardId }) => {
    const isNew = !seen.has(shardId) && tx.shard(shardId) !== undefined;
    seen.add(shardId);
    return isNew;
  });
}

/** Whether the node names a shard that is not its own. A frozen one is its migration's, held until confirmed. */
function isForeign(tx: Transaction, id: string, { shardId, phase }: ShardReport): boolean {
  if (phase === 'frozen') return false;
  const state = tx.shard(shardId);
  if (state === undefined) return false;
  if (state.kind !== 'migrating') return !('node' in state) || state.node !== id;
  const migration = tx.state.migrations.get(state.migration);
  // Once the destination is told to resume it, an origin that serves the shard has gone on by itself.
  if (migration?.origin === id) return migration.step.kind === 'activating';
  return migration?.destination !== id;
}

function noticeMissing(tx: Transaction, id: string, named: ReadonlySet<number>): void {
  const before = tx.node(id)?.missing ?? [];
  const missing: number[] = [];
  const vacated: number[] = [];
  for (const shard of tx.shardsOf(id)) {
    if (named.has(shard) || tx.shard(shard)?.kind !== 'running') continue;
    if (before.includes(shard)) {
      vacate(tx, shard, null);
      vacated.push(shard);
    } else {
      missing.push(shard);
    }
  }
  if (missing.length > 0 || before.length > 0) tx.patchNode(id, { missing });
  if (vacated.length === 0) return;
  const text = `Node ${id} does not name shard(s) ${vacated.join(', ')} in its heartbeats any more.`;
  tx.record('shardVacant', 'warn', text, { node: id, shards: vacated });
}

/**
 * Cursors of shards that run, made durable now and then: should their node die together with the orchestrator, they are
 * still resumed. A session that is news is kept at once, since without it the shard costs an IDENTIFY; a sequence that
 * moved on costs repeats only, so it can wait. A node's cursors go into one commit, and there are at most COMMITS_PER_S
 * of these, however many nodes there are.
 */

const EVERY_MS = 5_000;
const COMMITS_PER_S = 10;

function noteCheckpoints(tx: Transaction, id: string, { shards }: MessageOf<'heartbeat'>): void {
  const node = tx.node(id);
  if (node === undefined) return;
  const isDue = tx.now - node.checkpointedAt >= intervalOf(tx);
  for (const { shardId: shard, phase, session } of shards) {
    const state = tx.shard(shard);
    if (state?.kind !== 'running' || state.node !== id) continue;
    const before = assignmentOf(tx.state, shard).checkpoint?.session;
    if (session === null) {
      const hasLostIt = phase === 'waiting' || phase === 'identifying';
      if (hasLostIt && before !== undefined) noteCheckpoint(tx, shard, null);
      continue;
    }
    const isNews = before?.sessionId !== session.sessionId;
    const hasMoved = before?.sequence !== session.sequence;
    const checkpoint = inexact(knownNow(tx, session));
    if (checkpoint !== null && (isNews || (isDue && hasMoved))) noteCheckpoint(tx, shard, checkpoint);
  }
  if (isDue) tx.patchNode(id, { checkpointedAt: tx.now });
}

function intervalOf(tx: Transaction): number {
  const { nodes } = tx.state;
  const connected = nodes.size - nodeSurvey(nodes).unsettled.size;
  return Math.max(EVERY_MS, (connected * 1_000) / COMMITS_PER_S);
}

/**
 * A resume takes as long as Discord takes. While the node that does it is heard of and names the shard, it is not
 * aborted, and its session is not given up: no answer is not a refusal. Only a node that does not name the shard any
 * more runs into the bound.
 */
function noteResumes(tx: Transaction, id: string, shards: readonly ShardReport[]): void {
  for (const { shardId: shard, phase } of shards) {
    if (phase === 'frozen') continue;
    const state = tx.shard(shard);
    if (state?.kind === 'starting' && state.node === id && state.step === 'resume') {
      const bound = tx.settings.commandTimeoutMs;
      tellWhenSlow(tx, id, shard, { since: state.since, until: state.deadline, bound });
      tx.setShard(shard, { ...state, deadline: tx.now + bound });
    } else if (state?.kind === 'migrating') {
      const migration = migrationOf(tx, shard);
      if (migration?.destination === id) noteMigration(tx, migration);
    }
  }
}

function noteMigration(tx: Transaction, migration: MigrationState): void {
  const { kind } = migration.step;
  if (kind !== 'activating' && kind !== 'resuming') return;
  const bound = isLive(migration)
    ? boundBetween(tx, migration, migration.step.kind)
    : tx.settings.migrationStepTimeoutMs;
  const since = 'frozenAt' in migration.step ? migration.step.frozenAt : migration.startedAt;
  tellWhenSlow(tx, migration.destination, migration.shard, { since, until: migration.deadline, bound });
  tx.setMigration({ ...migration, deadline: tx.now + bound });
}

/**
 * Once, when it has taken as long as its bound. @param about.until the deadline as the last word of the node left it.
 */
function tellWhenSlow(
  tx: Transaction,
  node: string,
  shard: number,
  about: { since: number; until: number; bound: number },
): void {
  const due = about.since + about.bound;
  const heardBefore = about.until - about.bound;
  if (tx.now < due || heardBefore >= due) return;
  const ms = tx.now - about.since;
  const text = `Shard ${shard} has been resuming on node ${node} for ${ms} ms. It goes on, and its session is kept; Discord may be away.`;
  tx.record('resumeSlow', 'warn', text, { node, shard, ms });
}
