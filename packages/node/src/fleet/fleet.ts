/**
 * Fleet calls of one node: its own, until they end or time out, and those it is asked. What a shard's answer is, and
 * that it is exactly one, is decided by the orchestrator (call-messages.ts of the protocol).
 *
 * The orchestrator ends every call in time; should it not, or should the connection be lost, the call ends here.
 */
import { MAX_CALL_ARGS_BYTES, messageOf } from '@dshard/protocol';
import type { CallAsk, CallEnded, CallMessage, Message } from '@dshard/protocol';
import type { Cancel } from '@dshard/transport';
import { NodeError } from '../errors.js';
import { Answering, type AnsweringOptions } from './answering.js';
import { clientPath } from './client-path.js';
import { CLIENT_VALUE, EVALUATE } from './evaluation.js';
import type {
  BroadcastEvalOptions,
  CallHandler,
  CallOptions,
  CallResult,
  CronOptions,
  CronRun,
  Fleet,
  FleetFailure,
  FleetJobs,
  LeadRun,
} from './fleet-api.js';
import { fromJson, toJson } from './json.js';

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 600_000;
/** The orchestrator refuses more. */
const MAX_OPEN = 64;
/** Beyond its own timeout, for the orchestrator's word. */
const GRACE_MS = 2_000;

/** Null: no orchestrator is connected; `can` false: it knows no calls. */
type FleetLink = { connection: number; can: boolean } | null;

export type FleetOptions = AnsweringOptions & {
  link: () => FleetLink;
  jobs: FleetJobs;
  rollouts: { begin(): Promise<string> };
  send: (connection: number, message: CallMessage) => void;
};

type Open = {
  name: string;
  connection: number;
  cancelTimeout: Cancel;
  resolve: (ended: CallEnded) => void;
  reject: (error: NodeError) => void;
};

export class FleetCalls implements Fleet {
  readonly #options: FleetOptions;
  readonly #answering: Answering;
  readonly #open = new Map<string, Open>();
  #lastId = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#answering = new Answering(options);
  }

  handle(name: string, handler: CallHandler): void {
    this.#answering.handle(name, handler);
  }

  onLead(run: LeadRun): () => void {
    return this.#options.jobs.onLead(run);
  }

  rollout(): Promise<string> {
    return this.#options.rollouts.begin();
  }

  cron(name: string, spec: string, run: CronRun, options?: CronOptions): () => void {
    return this.#options.jobs.cron(name, spec, run, options);
  }

  call<T>(name: string, args: unknown = null, options: CallOptions = {}): Promise<CallResult<T>> {
    if (typeof name === 'string' && !name.startsWith('$')) return this.#call<T>(name, args, options);
    return Promise.reject(new NodeError('DSO_CALL_INVALID', `${JSON.stringify(name)} is not the name of a handler.`));
  }

  async fetchClientValues<T>(property: string, shard?: number): Promise<T & T[]> {
    clientPath(property, this.#options.source.values);
    const args = { property };
    return inFull(property, shard, await this.#call<T>(CLIENT_VALUE, args, oneOrAll(shard)));
  }

  async broadcastEval<T, C>(
    script: (client: never, context: C) => T | Promise<T>,
    options: BroadcastEvalOptions<C> = {},
  ): Promise<T & T[]> {
    if (typeof script !== 'function') throw new NodeError('DSO_CALL_INVALID', 'broadcastEval takes a function.');
    const { context = null, shard, timeoutMs } = options;
    const args = { script: script.toString(), context };
    const call = { ...oneOrAll(shard), ...(timeoutMs !== undefined && { timeoutMs }) };
    return inFull('broadcastEval', shard, await this.#call<T>(EVALUATE, args, call));
  }

  async #call<T>(name: string, args: unknown, options: CallOptions): Promise<CallResult<T>> {
    const { each = 'node', shards = [], timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
      throw new NodeError('DSO_CALL_INVALID', `timeoutMs is ${timeoutMs}, but must be 1 to ${MAX_TIMEOUT_MS}.`);
    }
    const json = toJson(`What "${name}" is called with`, args, MAX_CALL_ARGS_BYTES);
    const link = this.#linked(name);
    const callId = `${++this.#lastId}`;
    const ended = new Promise<CallEnded>((resolve, reject) => {
      const cancelTimeout = this.#options.clock.after(timeoutMs + GRACE_MS, () =>
        this.#fail(callId, `The orchestrator did not end the call "${name}" within ${timeoutMs} ms.`),
      );
      this.#open.set(callId, { name, connection: link.connection, cancelTimeout, resolve, reject });
    });
    try {
      this.#options.send(link.connection, { kind: 'callStart', callId, name, args: json, each, shards, timeoutMs });
    } catch (error) {
      this.#fail(callId, `The call "${name}" could not be sent: ${messageOf(error)}`);
    }
    return resultOf<T>(name, await ended);
  }

  #linked(name: string): { connection: number } {
    const link = this.#options.link();
    if (link === null) {
      const message = `"${name}" was not called: this node is not connected to an orchestrator now.`;
      throw new NodeError('DSO_CALL_NO_ORCHESTRATOR', message);
    }
    if (!link.can) {
      const message = `"${name}" was not called: the orchestrator knows no fleet calls. Update it.`;
      throw new NodeError('DSO_CALL_REFUSED', message);
    }
    if (this.#open.size >= MAX_OPEN) {
      const message = `"${name}" was not called: ${MAX_OPEN} calls of this node are under way. Wait for some to end.`;
      throw new NodeError('DSO_CALL_REFUSED', message);
    }
    return link;
  }

  /** Whether the message was one of a call. */
  received(connection: number, message: Message): boolean {
    if (message.kind === 'callAsk') void this.#answer(connection, message);
    else if (message.kind === 'callEnded') this.#take(message.callId)?.resolve(message);
    else return false;
    return true;
  }

  async #answer(connection: number, question: CallAsk): Promise<void> {
    const answers = await this.#answering.answer(question);
    // On another connection it is nobody's: the question ended with the one it came by.
    if (this.#options.link()?.connection !== connection) return;
    this.#options.send(connection, { kind: 'callAnswer', askId: question.askId, answers });
  }

  /** Calls end with the connection they were made on. */
  connectionLost(): void {
    const current = this.#options.link()?.connection ?? null;
    for (const [callId, { name, connection }] of this.#open) {
      if (connection !== current) this.#fail(callId, `The orchestrator was lost during the call "${name}".`);
    }
  }

  #fail(callId: string, message: string): void {
    this.#take(callId)?.reject(new NodeError('DSO_CALL_NO_ORCHESTRATOR', message));
  }

  #take(callId: string): Open | undefined {
    const open = this.#open.get(callId);
    this.#open.delete(callId);
    open?.cancelTimeout();
    return open;
  }
}

/** For one shard there is one answer, and its node is not asked twice. */
function oneOrAll(shard: number | undefined): CallOptions {
  return shard === undefined ? {} : { shards: [shard], each: 'shard' };
}

function resultOf<T>(name: string, { answers, missing, error }: CallEnded): CallResult<T> {
  if (error !== null) throw new NodeError('DSO_CALL_REFUSED', `"${name}" was not called: ${error}`);
  const given = [];
  const failures: FleetFailure[] = missing.map(({ nodeId, shards, reason }) => ({
    node: nodeId === '' ? null : nodeId,
    shards,
    reason,
  }));
  for (const { nodeId: node, shards, value, error: problem } of answers) {
    if (problem === null) given.push({ node, shards, value: fromJson(`The answer of node ${node}`, value) as T });
    else failures.push({ node, shards, reason: problem });
  }
  return { answers: given, failures, values: given.map(({ value }) => value), complete: failures.length === 0 };
}

/** All values, or the one: a call that lacks some is an error that carries what came. */
function inFull<T>(what: string, shard: number | undefined, result: CallResult<T>): T & T[] {
  if (!result.complete) throw incomplete(what, result);
  return (shard === undefined ? [...result.values] : result.values[0]) as T & T[];
}

/** `result`: what did come, and what did not. */
export class CallIncompleteError extends NodeError {
  readonly result: CallResult<unknown>;

  constructor(message: string, result: CallResult<unknown>) {
    super('DSO_CALL_INCOMPLETE', message);
    this.result = result;
  }
}

function incomplete(what: string, result: CallResult<unknown>): NodeError {
  const reasons = result.failures.map(({ node, shards, reason }) => {
    const who = node === null ? '' : ` of node ${node}`;
    return `shard(s) ${shards.slice(0, 16).join(', ')}${shards.length > 16 ? ', …' : ''}${who}: ${reason}`;
  });
  return new CallIncompleteError(`${what} has no answer for ${reasons.join('; ')}.`, result);
}
