/** Fleet calls, from the question to the result: who is asked when, what of the answers stands (`call.ts`), and when it is over. */
import { MAX_CALL_BYTES } from '@dshard/protocol';
import type { CallAnswerEntry, CallEach, MessageOf } from '@dshard/protocol';
import type { OperatorCommand } from '../state/commands.js';
import { ownerOf } from '../state/migrations.js';
import { can, isConnected } from '../state/nodes.js';
import type { CallState, OrchestratorState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';
import { MAX_CALLS, MAX_CALLS_PER_CALLER, pauseAfter, unanswered, withAnswers, type CallResult } from './call.js';

/** A shard that nobody has is waited for this long: a takeover takes less. */
const PATIENCE_MS = 3_000;

const NOTHING = new Uint8Array(0);

type Question = { name: string; args: Uint8Array; each: CallEach; shards: readonly number[]; timeoutMs: number };

export function onCallStart(turn: Turn, node: string, message: MessageOf<'callStart'>): void {
  const connection = turn.node(node)?.connection;
  if (connection?.kind !== 'connected' || !can(turn.node(node), 'calls')) return;
  begin(turn, { kind: 'node', node, connection: connection.connection, callId: message.callId }, message);
}

/** An operator's. The names of what the library itself evaluates begin with `$`: that is for nodes only. */
export function callFleet(
  turn: Turn,
  request: string,
  { name, args, each, shards, timeoutMs }: Extract<OperatorCommand, { kind: 'callFleet' }>,
): void {
  begin(turn, { kind: 'operator', request }, { name, args, each, shards, timeoutMs });
}

function begin(turn: Turn, caller: CallState['caller'], { name, args, each, shards, timeoutMs }: Question): void {
  const refusal = refusalOf(turn.state, caller, shards);
  if (refusal !== null) {
    answerCaller(turn, caller, { answers: [], missing: [], error: refusal });
    return;
  }
  const call: CallState = {
    id: turn.nextCallId(),
    caller,
    name,
    args,
    each,
    targets: shards.length === 0 ? allShards(turn.state) : [...new Set(shards)].toSorted((a, b) => a - b),
    startedAt: turn.now,
    deadline: turn.now + timeoutMs,
    open: new Map(),
    answers: [],
    asked: new Map(),
  };
  turn.patch({ calls: new Map(turn.state.calls).set(call.id, call) });
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

export function onCallAnswer(turn: Turn, node: string, { askId, answers }: MessageOf<'callAnswer'>): void {
  for (const call of turn.state.calls.values()) {
    const question = call.open.get(node);
    if (question?.askId !== askId) continue;
    const open = new Map(call.open);
    open.delete(node);
    const times = (call.asked.get(node)?.times ?? 0) + 1;
    const answered = {
      ...call,
      open,
      asked: new Map(call.asked).set(node, { times, notBefore: turn.now + pauseAfter(times) }),
    };
    keep(turn, answered, node, question.shards, answers);
    return;
  }
}

function keep(
  turn: Turn,
  call: CallState,
  node: string,
  asked: readonly number[],
  entries: readonly CallAnswerEntry[],
): void {
  const answers = withAnswers(call, node, asked, entries, (shard) => homeOf(turn.state, shard));
  const bytes = answers.reduce((sum, { value }) => sum + value.length, 0);
  if (bytes <= MAX_CALL_BYTES) {
    setCall(turn, { ...call, answers });
    return;
  }
  const error = `the values of all nodes together exceed ${MAX_CALL_BYTES} bytes`;
  setCall(turn, {
    ...call,
    answers: answers.map((answer) => (answer.nodeId === node ? { ...answer, value: NOTHING, error } : answer)),
  });
}

/** Whose the shard is now, if somebody's. */
function homeOf(state: OrchestratorState, shard: number): string | null {
  const now = state.shards[shard];
  if (now === undefined || now.kind === 'vacant' || now.kind === 'unreachable') return null;
  if (now.kind !== 'migrating') return now.node;
  const migration = state.migrations.get(now.migration);
  return migration === undefined ? null : ownerOf(migration);
}

function setCall(turn: Turn, call: CallState): void {
  turn.patch({ calls: new Map(turn.state.calls).set(call.id, call) });
}

/** Asks whoever is to be asked now, and ends what is over. */
export function runCalls(turn: Turn): void {
  for (const id of turn.state.calls.keys()) {
    forgetLost(turn, id);
    const call = turn.state.calls.get(id);
    if (call === undefined) continue;
    if (isOver(turn, call)) end(turn, call);
    else ask(turn, call);
  }
}

/** Connections end: with the caller's the call, with a node's the question to it. */
function forgetLost(turn: Turn, id: string): void {
  const call = turn.state.calls.get(id);
  if (call === undefined) return;
  const { caller } = call;
  if (caller.kind === 'node' && !isOn(turn, caller.node, caller.connection)) {
    remove(turn, id);
    return;
  }
  const open = new Map([...call.open].filter(([node, { connection }]) => isOn(turn, node, connection)));
  if (open.size < call.open.size) setCall(turn, { ...call, open });
}

function isOn(turn: Turn, node: string, connection: string): boolean {
  const known = turn.node(node)?.connection;
  return known?.kind === 'connected' && known.connection === connection;
}

function isOver(turn: Turn, call: CallState): boolean {
  const left = unanswered(call);
  if (left.length === 0 || call.deadline <= turn.now) return true;
  const isPatient = turn.now < call.startedAt + PATIENCE_MS;
  return (
    !isPatient &&
    call.open.size === 0 &&
    left.every((shard) => !isConnected(turn.node(homeOf(turn.state, shard) ?? '')))
  );
}

function ask(turn: Turn, call: CallState): void {
  const byNode = new Map<string, number[]>();
  for (const shard of unanswered(call)) {
    const node = homeOf(turn.state, shard);
    if (node === null || call.open.has(node) || !isConnected(turn.node(node))) continue;
    if ((call.asked.get(node)?.notBefore ?? 0) > turn.now) continue;
    byNode.set(node, [...(byNode.get(node) ?? []), shard]);
  }
  for (const [node, shards] of byNode) {
    const now = turn.state.calls.get(call.id);
    if (now !== undefined) askNode(turn, now, node, shards);
  }
}

function askNode(turn: Turn, call: CallState, node: string, shards: readonly number[]): void {
  const connection = turn.node(node)?.connection;
  if (connection?.kind !== 'connected') return;
  if (!can(turn.node(node), 'calls')) {
    const error = `node ${node} does not know fleet calls: its node library is another one, or older`;
    keep(turn, call, node, shards, [{ shards, value: NOTHING, error }]);
    return;
  }
  const askId = turn.nextCallId();
  const { name, args, each } = call;
  setCall(turn, {
    ...call,
    open: new Map(call.open).set(node, { askId, connection: connection.connection, shards }),
  });
  const timeoutMs = Math.max(1, Math.ceil(call.deadline - turn.now));
  turn.send(node, { kind: 'callAsk', askId, name, args, each, shards, timeoutMs });
}

function end(turn: Turn, call: CallState): void {
  remove(turn, call.id);
  const answers = call.answers.toSorted((a, b) => (a.shards[0] ?? 0) - (b.shards[0] ?? 0));
  answerCaller(turn, call.caller, { answers, missing: missingOf(turn, call), error: null });
}

function missingOf(turn: Turn, call: CallState): CallResult['missing'] {
  const missing = new Map<string, { nodeId: string; shards: number[]; reason: string }>();
  for (const shard of unanswered(call)) {
    const nodeId = homeOf(turn.state, shard) ?? '';
    const entry = missing.get(nodeId) ?? { nodeId, shards: [], reason: reasonFor(turn, call, nodeId) };
    entry.shards.push(shard);
    missing.set(nodeId, entry);
  }
  return [...missing.values()];
}

function reasonFor(turn: Turn, call: CallState, node: string): string {
  const seconds = (turn.now - call.startedAt) / 1000;
  if (node === '') return 'nobody runs them';
  if (!isConnected(turn.node(node))) return `node ${node} is not connected`;
  if (call.open.has(node)) return `node ${node} did not answer within ${seconds} s`;
  return `they were on their way to node ${node} for all of ${seconds} s`;
}

function remove(turn: Turn, id: string): void {
  const calls = new Map(turn.state.calls);
  calls.delete(id);
  turn.patch({ calls });
}

function answerCaller(turn: Turn, caller: CallState['caller'], result: CallResult): void {
  if (caller.kind === 'node') {
    if (!isOn(turn, caller.node, caller.connection)) return;
    turn.sendOn(caller.connection, { kind: 'callEnded', callId: caller.callId, ...result });
  } else if (result.error !== null) {
    turn.fail(caller.request, 'DSO_CALL_REFUSED', result.error);
  } else {
    turn.done(caller.request, 'The fleet was asked.', { call: result });
  }
}

/** When `runCalls` has something to do that no event brings. */
export function callDeadlines({ calls }: OrchestratorState, at: (time: number) => void): void {
  for (const { deadline, startedAt, asked } of calls.values()) {
    at(deadline);
    at(startedAt + PATIENCE_MS);
    for (const { notBefore } of asked.values()) at(notBefore);
  }
}
