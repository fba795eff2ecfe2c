/**
 * `POST /v1/call`: asks the nodes, as an operator. What is asked are the handlers that the bot registered (`node.fleet.handle`); what
 * the library itself evaluates has names that begin with `$`, and is for nodes only.
 */
import type { CallEnded } from '@dshard/protocol';
import { choice, duration, shardList, text, type Field } from '../config/field.js';
import type { CommandResult, OperatorCommand } from '../domain/state/commands.js';
import { replyTo, type Answer } from './answers.js';
import { readParameters, type Parameters } from './parameters.js';

/** What `/v1/call` answers with: each shard is in one of `answers` or one of `failures`. */
export type CallReport = Answer & {
  answers: readonly { node: string; shards: readonly number[]; value: unknown }[];
  /** `node` null: nobody has these shards. */
  failures: readonly { node: string | null; shards: readonly number[]; reason: string }[];
};

type CallParameters = {
  name: string;
  args: Uint8Array;
  each: 'node' | 'shard';
  shards: readonly number[];
  timeout: number;
};

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 600_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const jsonText: Field<Uint8Array> = {
  ...text({ maxLength: 60_000 }),
  expected: 'JSON, such as {"guild":"123"}',
  read: (written) => (parsed(String(written)) === undefined ? undefined : encoder.encode(String(written))),
};

const timeout: Field<number> = {
  ...duration({ min: 1 }),
  expected: 'a time from 1 ms to 10 minutes, such as "10s"',
  read: (written) => {
    const ms = duration({ min: 1 }).read(written);
    return ms !== undefined && ms <= MAX_TIMEOUT_MS ? ms : undefined;
  },
};

const parameters: Parameters<CallParameters> = {
  name: { field: text({ expected: 'the name of a handler', pattern: /^[^$].{0,99}$/, maxLength: 100 }) },
  args: { field: jsonText, fallback: encoder.encode('null') },
  each: { field: choice('node', 'shard'), fallback: 'node' },
  shards: { field: shardList(), fallback: [] },
  timeout: { field: timeout, fallback: DEFAULT_TIMEOUT_MS },
};

export function readCall(
  query: unknown,
  body: unknown,
): { ok: true; command: OperatorCommand } | { ok: false; message: string } {
  const read = readParameters(parameters, query, body);
  if (!read.ok) return read;
  const { name, args, each, shards, timeout: timeoutMs } = read.values;
  return { ok: true, command: { kind: 'callFleet', name, args, each, shards, timeoutMs } };
}

export function reportOf(result: CommandResult): { status: number; body: Answer | CallReport } {
  const call = result.ok ? (result.data?.['call'] as CallEnded | undefined) : undefined;
  return call === undefined ? replyTo(result) : { status: 200, body: report(call) };
}

function report({ answers, missing }: CallEnded): CallReport {
  const given = [];
  const failures: CallReport['failures'][number][] = missing.map(({ nodeId, shards, reason }) => ({
    node: nodeId === '' ? null : nodeId,
    shards,
    reason,
  }));
  for (const { nodeId: node, shards, value, error } of answers) {
    const parsedValue = parsed(decoder.decode(value));
    if (error !== null) failures.push({ node, shards, reason: error });
    else if (parsedValue === undefined)
      failures.push({ node, shards, reason: 'it answered something that is no JSON' });
    else given.push({ node, shards, value: parsedValue });
  }
  const shards = given.reduce((sum, answer) => sum + answer.shards.length, 0);
  const lacking = failures.reduce((sum, failure) => sum + failure.shards.length, 0);
  const Message = `${shards} shard(s) answered, ${lacking} did not.`;
  return { Message, Error: lacking > 0, answers: given, failures };
}

/** undefined: no JSON. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
