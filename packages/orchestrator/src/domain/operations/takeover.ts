/**
 * Nodes, or all nodes of a host, count as dead because somebody says so (`fleet/declared-dead.ts`). All of that is done
 * when the operation begins; from then on it only watches how their shards come up elsewhere, so that whoever asked can
 * wait for that. It takes nothing back: cancelled, nobody waits any more, and the shards are resumed all the same.
 */
import { counted } from '@dshard/protocol';
import { declareDead, seemsAlive, shardsOwnedBy } from '../fleet/declared-dead.js';
import { knownNode } from '../state/checks.js';
import { knownHost, patchHost } from '../state/hosts.js';
import type { OperationPlans, OperationState } from '../state/operations.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { named, namedFirst, NOBODY_NAMED } from './drain-texts.js';
import { beginOperation, endOperation, notStarted } from './operation.js';
import type { Asked, Operation, Progress, Started } from './operation.js';

type Takeover = OperationState<'takeover'>;
type Plan = OperationPlans['takeover'];

export const TAKEOVER: Operation<'takeover'> = {
  kind: 'takeover',
  idPrefix: 't',
  start: startTakeover,
  plan(state, plan) {
    const found = nodesMeant(state, plan);
    const nodes = found.ok ? found.nodes.map(({ id }) => id) : [];
    const shards = shardsOwnedBy(state, nodes).length;
    const of = `of ${named(nodes)}${plan.host === null ? '' : ` (host ${plan.host})`}`;
    const lines = [`${counted(shards, 'shard')} ${of} would be resumed elsewhere at once.`];
    if (shards === 0) return { lines };
    const costs = `The bot’s state of ${counted(shards, 'shard')} ${of} is gone, and some of their events come twice.`;
    return { lines, costs };
  },
  step(tx, takeover) {
    const { starting, vacant, failed } = progressIn(tx.state, takeover);
    if (takeover.stopped !== null) endTakeover(tx, takeover, takeover.stopped);
    else if (starting.length + vacant.length === 0) endTakeover(tx, takeover, whyNotAll(failed));
    else if (takeover.deadline === null) {
      tx.patchOperation(takeover.id, { deadline: tx.now + tx.settings.rolloutProgressMs });
    }
  },
  overdue(tx, takeover) {
    const { starting, vacant } = progressIn(tx.state, takeover);
    const why = reasonIn(tx.state, vacant) ?? 'their sessions are being resumed';
    const stopped = `${counted(starting.length + vacant.length, 'shard')} did not come up in time (${why})`;
    tx.patchOperation(takeover.id, { stopped: takeover.stopped ?? stopped, deadline: null });
  },
  status: statusOf,
  cancel: ({ id }) => ({
    ok: true,
    text: `Takeover ${id} is not waited for any more. Its shards are resumed elsewhere all the same.`,
  }),
  end: endTakeover,
};

type Meant = { ok: true; nodes: readonly NodeState[] } | (Started & { ok: false });

/** Those that do not count as dead already. */
function nodesMeant(state: OrchestratorState, { nodes, host }: Plan): Meant {
  if (nodes.length === 0 && host === null) return notStarted('DSO_UNKNOWN_NODE', NOBODY_NAMED);
  const found: NodeState[] = [];
  for (const id of nodes) {
    const known = knownNode(state, id);
    if (!known.ok) return known;
    found.push(known.value);
  }
  if (host !== null) {
    const known = knownHost(state, host);
    if (!known.ok) return known;
    found.push(...known.value);
  }
  const lives = ({ connection }: NodeState): boolean => connection.kind !== 'disconnected' || !connection.gone;
  return { ok: true, nodes: [...new Set(found)].filter(lives) };
}

function startTakeover(tx: Transaction, plan: Plan, asked: Asked): Started {
  const meant = nodesMeant(tx.state, plan);
  if (!meant.ok) return meant;
  const { host } = plan;
  const nodes = meant.nodes.map(({ id }) => id);
  const alive = plan.force ? [] : meant.nodes.filter((node) => seemsAlive(tx.state, node, tx.now));
  if (alive.length > 0) {
    const who = alive.map(({ id }) => id);
    const text = `${namedFirst(who)} ${who.length === 1 ? 'is' : 'are'} connected and heard`;
    const where = host === null ? '' : ` (host ${host})`;
    const way = 'To empty what lives: dso drain. If it is dead for certain: --force.';
    return notStarted('DSO_NODE_CONNECTED', `${text}${where}. ${way}`);
  }
  const what = host === null ? 'What is named' : `Host ${host}`;
  if (host !== null) patchHost(tx, host, { deadSince: tx.state.hosts.get(host)?.deadSince ?? tx.now });
  if (nodes.length === 0) return { ok: true, operation: null, message: `${what} counts as dead already.` };
  const shards = shardsOwnedBy(tx.state, nodes);
  const verb = shards.length === 1 ? 'is' : 'are';
  const resumed = `${counted(shards.length, 'shard')} of ${named(nodes)} ${verb} resumed elsewhere.`;
  const message = host === null ? resumed : `Host ${host} counts as dead: ${resumed}`;
  const data = { origins: [], destinations: [], host, nodes, shards } as const;
  const operation = beginOperation(tx, TAKEOVER, asked, data, { text: message, facts: { host, nodes, shards } });
  declareDead(tx, nodes);
  return { ok: true, operation, message };
}

type Found = { up: number[]; starting: number[]; vacant: number[]; failed: { shard: number; reason: string }[] };

/** How what they had fares now. What is to be vacant, or was stopped since, is nobody's to wait for. */
function progressIn(state: OrchestratorState, { shards }: Takeover): Found {
  const found: Found = { up: [], starting: [], vacant: [], failed: [] };
  for (const shard of shards) {
    const kind = state.shards[shard]?.kind;
    if (kind === 'starting' || kind === 'unreachable') found.starting.push(shard);
    else if (kind !== 'vacant') found.up.push(shard);
    else if ((state.crashRecords.get(shard)?.quarantinedAt ?? null) !== null)
      found.failed.push({ shard, reason: 'it is quarantined' });
    else if (!state.settings.ensureAllShardsRunning)
      found.failed.push({ shard, reason: 'nothing starts it by itself (ensureAllShardsRunning is off)' });
    else found.vacant.push(shard);
  }
  return found;
}

function whyNotAll(failed: Found['failed']): string | null {
  const [first] = failed;
  return first === undefined ? null : `${counted(failed.length, 'shard')} stayed down: ${first.reason}`;
}

function reasonIn(state: OrchestratorState, vacant: readonly number[]): string | null {
  const [first] = vacant;
  if (first === undefined) return null;
  return state.unplaced.get(first) ?? 'no node is connected that takes them';
}

function statusOf(state: OrchestratorState, takeover: Takeover): Progress {
  const { up, starting, vacant, failed } = progressIn(state, takeover);
  const total = takeover.shards.length;
  const who = takeover.host === null ? named(takeover.nodes) : `host ${takeover.host}`;
  return {
    text: `Resuming the shards of ${who} elsewhere: ${up.length} of ${total} done.`,
    waitsFor: starting.length === 0 ? reasonIn(state, vacant) : null,
    origin: takeover.nodes.join(', '),
    destination: null,
    shards: { moved: up.length, total, moving: starting, waiting: vacant },
    failed,
    nodes: null,
  };
}

function endTakeover(tx: Transaction, takeover: Takeover, failure: string | null): void {
  const { host, nodes, shards } = takeover;
  const { up, failed } = progressIn(tx.state, takeover);
  const who = host === null ? named(nodes) : `host ${host}`;
  const head = `Of ${who}, ${up.length} of ${counted(shards.length, 'shard')} ${up.length === 1 ? 'runs' : 'run'} elsewhere`;
  const text = failure === null ? `${head}.` : `${head}: ${failure}.`;
  const figures = { host, moved: up.length, failed: failed.length };
  endOperation(tx, takeover, failure, { text, figures, facts: { host, nodes, shards } });
}
