/**
 * `POST /v1/call`: asks the nodes, as an operator. What is asked are the handlers that the bot registered
 * (`node.fleet.handle`); what the library itself evaluates has names that begin with `$`, and is for nodes only.
 */
import { counted, type CallEnded } from '@dshard/protocol';
import type { Answer, CallReport, Takes } from '@dshard/api';
import type { CommandResult, OperatorCommand } from '../domain/state/commands.js';
import { replyTo, type Reply } from './answers.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function callCommand({ name, args, each, shards, timeout }: Takes<'call'>): OperatorCommand {
  return { kind: 'callFleet', name, args: encoder.encode(args), each, shards, timeoutMs: timeout };
}

export function reportOf(result: CommandResult): Reply<CallReport | Answer> {
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
  const Message = `${counted(shards, 'shard')} answered, ${lacking} did not.`;
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
