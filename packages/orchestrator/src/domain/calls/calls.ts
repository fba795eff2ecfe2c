/** Fleet calls, from the question to the result: who is asked when, what stands (`call.ts`), and when it is over. */
import { MAX_CALL_BYTES, type CallAnswerEntry, type CallEach, type MessageOf } from '@dshard/protocol';
import type { OperatorCommand } from '../state/commands.js';
import { ownerOf } from '../state/migrations.js';
import { can, isConnected } from '../state/nodes.js';
import type { CallState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { MAX_CALLS, MAX_CALLS_PER_CALLER, pauseAfter, unanswered, withAnswers, type CallResult } from './call.js';

/** A shard that nobody has is waited for this long: a takeover takes less. */
const PATIENCE_MS = 3_000;

const NOTHING = new Uint8Array(0);

type Question = { name: string; args: Uint8Array; each: CallEach; shards: readonly number[]; timeoutMs: number };

export function onCallStart(tx: Transaction, node: string, message: MessageOf<'callStart'>): void {
  const connection = tx.node(node)?.connection;
  if (connection?.kind !== 'connected' || !can(tx.node(node), 'calls')) return;
  begin(tx, { kind: 'node', node, connection: connection.connection, callId: message.callId }, message);
}

/** An operator's. The names of what the library itself evaluates begin with `$`: that is for nodes only. */
export function callFleet(
  tx: Transaction,
  request: string,
  { name, args, each, shards, timeoutMs }: Extract<OperatorCommand, { kind: 'callFleet' }>,
): void {
  begin(tx, { kind: 'operator', request }, { name, args, each, shards, timeoutMs });
}

function begin(tx: Transaction, caller: CallState['caller'], { name, args, each, shards, timeoutMs }: Question): void {
  const refusal = refusalOf(tx.state, caller, shards);
  if (refusal !== null) {
    answerCaller(tx, caller, { answers: [], missing: [], error: refusal });
    return;
  }
  const call: CallState = {
    id: tx.nextCallId(),
    caller,
    name,
    args,
    each,
    targets: shards.length === 0 ? allShards(tx.state) : [...new Set(shards)].toSorted((a, b) => a - b),
    startedAt: tx.now,
    deadline: tx.now + timeoutMs,
    open: new Map(),
    answers: [],
    asked: new Map(),
  };
  tx.patch({ calls: new Map(tx.state.calls).set(call.id, call) });
}

function allShards({ shards, settings }: OrchestratorState): readonly number[] {
  return settings.responsibleForShards ?? [...shards.keys()];
}

function refusalOf(state: OrchestratorState, caller: CallState['caller'], shards: readonly number[]): string | null {
  if (state.totalShards === null) return 'The total shard count is not decided yet, so there is nobody to ask.';
  const stranger = shards.find((shard) => state.shards[shard] === undefined);
  if (stranger !== undefined) return `There is no shard ${stranger}: the total is ${state.totalShards}.`;
  const calls = [...state.calls.values()];
  const own = calls.filter((call) => isSameCaller(call.caller, caller));
  if (calls.length < MAX_CALLS && own.length < MAX_CALLS_PER_CALLER) return null;
  return `Too many calls are under way (${own.length} of this caller, ${calls.length} in all): wait for some to end.`;
}

function isSameCaller(a: CallState['caller'], b: CallState['caller']): boolean {
  return a.kind === 'node' && b.kind === 'node' ? a.node === b.node : a.kind === b.kind;
}

export function onCallAnswer(tx: Transaction, node: string, { askId, answers }: MessageOf<'callAnswer'>): void {
  for (const call of tx.state.calls.values()) {
    const question = call.open.get(node);
    if (question?.askId !== askId) continue;
    const open = new Map(call.open);
    open.delete(node);
    const times = (call.asked.get(node)?.times ?? 0) + 1;
    const answered = {
      ...call,
      open,
      asked: new Map(call.asked).set(node, { times, notBefore: tx.now + pauseAfter(times) }),
    };
    keep(tx, answered, node, question.shards, answers);
    return;
  }
}

function keep(
  tx: Transaction,
  call: CallState,
  node: string,
  asked: readonly number[],
  entries: readonly CallAnswerEntry[],
): void {
  const answers = withAnswers(call, node, asked, entries, (shard) => homeOf(tx.state, shard));
  const bytes = answers.reduce((sum, { value }) => sum + value.length, 0);
  if (bytes <= MAX_CALL_BYTES) {
    setCall(tx, { ...call, answers });
    return;
  }
  const error = `the values of all nodes together exceed ${MAX_CALL_BYTES} bytes`;
  setCall(tx, {
    ...call,
    answers: answers.map((answer) => (answer.nodeId === node ? { ...answer, value: NOTHING, error } : answer)),
  });
}

/** Whose the shard is now, if somebody's. */
function homeOf(state: OrchestratorState, shard: number): string | null {
  const now = state.shards[shard];
  if (now === undefined || now.kind === 'vacant' || now.kind === 'parked' || now.kind === 'unreachable') return null;
  if (now.kind !== 'migrating') return now.node;
  const migration = state.migrations.get(now.migration);
  return migration === undefined ? null : ownerOf(migration);
}

function setCall(tx: Transaction, call: CallState): void {
  tx.patch({ calls: new Map(tx.state.calls).set(call.id, call) });
}

/** Asks whoever is to be asked now, and ends what is over. */
export function runCalls(tx: Transaction): void {
  for (const id of tx.state.calls.keys()) {
    forgetLost(tx, id);
    const call = tx.state.calls.get(id);
    if (call === undefined) continue;
    if (isOver(tx, call)) end(tx, call);
    else ask(tx, call);
  }
}

/** Connections end: with the caller's the call, with a node's the question to it. */
function forgetLost(tx: Transaction, id: string): void {
  const call = tx.state.calls.get(id);
  if (call === undefined) return;
  const { caller } = call;
  if (caller.kind === 'node' && !isOn(tx, caller.node, caller.connection)) {
    remove(tx, id);
    return;
  }
  const open = new Map([...call.open].filter(([node, { connection }]) => isOn(tx, node, connection)));
  if (open.size < call.open.size) setCall(tx, { ...call, open });
}

function isOn(tx: Transaction, node: string, connection: string): boolean {
  const known = tx.node(node)?.connection;
  return known?.kind === 'connected' && known.connection === connection;
}

function isOver(tx: Transaction, call: CallState): boolean {
  const left = unanswered(call);
  if (left.length === 0 || call.deadline <= tx.now) return true;
  const isPatient = tx.now < call.startedAt + PATIENCE_MS;
  return (
    !isPatient && call.open.size === 0 && left.every((shard) => !isConnected(tx.node(homeOf(tx.state, shard) ?? '')))
  );
}

function ask(tx: Transaction, call: CallState): void {
  const byNode = new Map<string, number[]>();
  for (const shard of unanswered(call)) {
    const node = homeOf(tx.state, shard);
    if (node === null || call.open.has(node) || !isConnected(tx.node(node))) continue;
    if ((call.asked.get(node)?.notBefore ?? 0) > tx.now) continue;
    byNode.set(node, [...(byNode.get(node) ?? []), shard]);
  }
  for (const [node, shards] of byNode) {
    const now = tx.state.calls.get(call.id);
    if (now !== undefined) askNode(tx, now, node, shards);
  }
}

function askNode(tx: Transaction, call: CallState, node: string, shards: readonly number[]): void {
  const connection = tx.node(node)?.connection;
  if (connection?.kind !== 'connected') return;
  if (!can(tx.node(node), 'calls')) {
    const error = `node ${node} does not know fleet calls: its node library is another one, or older`;
    keep(tx, call, node, shards, [{ shards, value: NOTHING, error }]);
    return;
  }
  const askId = tx.nextCallId();
  const { name, args, each } = call;
  setCall(tx, {
    ...call,
    open: new Map(call.open).set(node, { askId, connection: connection.connection, shards }),
  });
  const timeoutMs = Math.max(1, Math.ceil(call.deadline - tx.now));
  tx.send(node, { kind: 'callAsk', askId, name, args, each, shards, timeoutMs });
}

function end(tx: Transaction, call: CallState): void {
  remove(tx, call.id);
  const answers = call.answers.toSorted((a, b) => (a.shards[0] ?? 0) - (b.shards[0] ?? 0));
  answerCaller(tx, call.caller, { answers, missing: missingOf(tx, call), error: null });
}

function missingOf(tx: Transaction, call: CallState): CallResult['missing'] {
  const missing = new Map<string, { nodeId: string; shards: number[]; reason: string }>();
  for (const shard of unanswered(call)) {
    const nodeId = homeOf(tx.state, shard) ?? '';
    const entry = missing.get(nodeId) ?? { nodeId, shards: [], reason: reasonFor(tx, call, nodeId) };
    entry.shards.push(shard);
    missing.set(nodeId, entry);
  }
  return [...missing.values()];
}

function reasonFor(tx: Transaction, call: CallState, node: string): string {
  const seconds = (tx.now - call.startedAt) / 1000;
  if (node === '') return 'nobody runs them';
  if (!isConnected(tx.node(node))) return `node ${node} is not connected`;
  if (call.open.has(node)) return `node ${node} did not answer within ${seconds} s`;
  return `they were on their way to node ${node} for all of ${seconds} s`;
}

function remove(tx: Transaction, id: string): void {
  const calls = new Map(tx.state.calls);
  calls.delete(id);
  tx.patch({ calls });
}

function answerCaller(tx: Transaction, caller: CallState['caller'], result: CallResult): void {
  if (caller.kind === 'node') {
    if (!isOn(tx, caller.node, caller.connection)) return;
    tx.sendOn(caller.connection, { kind: 'callEnded', callId: caller.callId, ...result });
  } else if (result.error !== null) {
    tx.fail(caller.request, 'DSO_CALL_REFUSED', result.error);
  } else {
    tx.done(caller.request, 'The fleet was asked.', { call: result });
  }
}

/** When `runCalls` has something to do that no event brings. */
export function callTimes({ calls }: OrchestratorState): readonly number[] {
  return [...calls.values()].flatMap(({ deadline, startedAt, asked }) => [
    deadline,
    startedAt + PATIENCE_MS,
    ...[...asked.values()].map(({ notBefore }) => notBefore),
  ]);
}
