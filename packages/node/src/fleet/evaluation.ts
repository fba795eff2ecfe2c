/**
 * What the library itself answers: a property of the client, and (only where the bot allows it) a function run with the
 * client. The names of these calls begin with `$`, which no handler's may.
 */
import { NodeError } from '../errors.js';
import { valueAt } from './client-path.js';

export const CLIENT_VALUE = '$value';
export const EVALUATE = '$eval';

export type ClientSource = {
  /** The object that calls are evaluated on; null: the bot gave none. */
  client(): object | null;
  /** What the bot names for fetchClientValues. */
  values: readonly string[];
  /** Whether functions from other nodes are run. */
  evaluate: boolean;
};

export function clientValue(source: ClientSource, args: unknown): unknown {
  const { property } = fieldsOf(args);
  return valueAt(clientOf(source), property, source.values);
}

export function evaluate(source: ClientSource, args: unknown): unknown {
  if (!source.evaluate) {
    throw new NodeError(
      'DSO_EVALUATION_OFF',
      'This node runs no functions from elsewhere. Make it with createNode({ fleet: { evaluate: true } }), or register a handler with fleet.handle().',
    );
  }
  const { script, context } = fieldsOf(args);
  if (typeof script !== 'string') throw new NodeError('DSO_CALL_INVALID', 'broadcastEval takes a function.');
  return compile(script)(clientOf(source), context);
}

/** In strict mode, in the global scope: of this file it sees nothing. */
function compile(script: string): (client: object, context: unknown) => unknown {
  // oxlint-disable-next-line typescript/no-implied-eval -- the bot turned on that fellow nodes' code is run.
  return new Function('client', 'context', `'use strict'; return (${script})(client, context);`) as ReturnType<
    typeof compile
  >;
}

function clientOf(source: ClientSource): object {
  const client = source.client();
  if (client === null) {
    throw new NodeError(
      'DSO_CALL_NO_CLIENT',
      'This node has no client that calls could be evaluated on. Name one: createNode({ fleet: { client } }).',
    );
  }
  return client;
}

function fieldsOf(args: unknown): Record<string, unknown> {
  return typeof args === 'object' && args !== null ? { ...args } : {};
}
