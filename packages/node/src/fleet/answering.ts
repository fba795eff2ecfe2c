/**
 * Answers what the fleet asks of this node. An answer speaks for the shards that this node served all the while it was
 * made: if that changed meanwhile, the answer is made anew, a few times, and then given up; the orchestrator asks
 * again.
 *
 * Bounded: so many questions at once, and each no longer than its caller waits. What a handler does after that is its
 * own affair.
 */
import { MAX_CALL_BYTES, MAX_CALL_VALUE_BYTES, messageOf, type CallAnswerEntry, type CallAsk } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import { withinDeadline } from '../deadline.js';
import { NodeError } from '../errors.js';
import { withoutSecrets } from './client-path.js';
import { CLIENT_VALUE, clientValue, EVALUATE, evaluate, type ClientSource } from './evaluation.js';
import type { CallContext, CallHandler } from './fleet-api.js';
import { fromJson, toJson } from './json.js';

const MAX_QUESTIONS = 64;
const MAX_ATTEMPTS = 4;
const NOTHING = new Uint8Array(0);

type Handler = (args: unknown, context: CallContext) => unknown;

export type AnsweringOptions = {
  clock: Clock;
  source: ClientSource;
  /** See ShardHost: the handler begins in there, and what it returns at once is written down in there. */
  speaking: <T>(work: () => T) => T;
  /** The shards whose data this node has now, and serves. null: that cannot be said at the moment. */
  served: () => readonly number[] | null;
};

export class Answering {
  readonly #options: AnsweringOptions;
  readonly #handlers = new Map<string, Handler>();
  #open = 0;

  constructor(options: AnsweringOptions) {
    this.#options = options;
    const { source } = options;
    this.#handlers.set(CLIENT_VALUE, (args) => clientValue(source, args));
    this.#handlers.set(EVALUATE, (args) => evaluate(source, args));
  }

  handle(name: string, handler: CallHandler): void {
    if (typeof name !== 'string' || !/^[^$\p{Cc}][^\p{Cc}]{0,99}$/u.test(name)) {
      throw new NodeError(
        'DSO_CALL_INVALID',
        `A handler's name has 1 to 100 printable characters and does not begin with "$", unlike ${JSON.stringify(name)}.`,
      );
    }
    if (this.#handlers.has(name)) {
      throw new NodeError('DSO_CALL_INVALID', `There is a handler for "${name}" already.`);
    }
    this.#handlers.set(name, handler as Handler);
  }

  /** Never rejects. */
  async answer(question: CallAsk): Promise<readonly CallAnswerEntry[]> {
    if (this.#open >= MAX_QUESTIONS) {
      return [refusal(question.shards, `it answers ${MAX_QUESTIONS} calls already`)];
    }
    this.#open += 1;
    try {
      const entries = await withinDeadline(this.#options.clock, this.#entries(question), {
        what: `the handler of "${question.name}"`,
        ms: question.timeoutMs,
        limit: 'timeoutMs',
      });
      return whatFits(entries);
    } catch (error) {
      return [refusal(question.shards, messageOf(error))];
    } finally {
      this.#open -= 1;
    }
  }

  async #entries(question: CallAsk): Promise<readonly CallAnswerEntry[]> {
    if (question.each === 'node') {
      const entry = await this.#speak(question, () => this.#options.served());
      return entry === null ? [] : [entry];
    }
    const asked = new Set(question.shards);
    const mine = (this.#options.served() ?? []).filter((shard) => asked.has(shard));
    const entries = await Promise.all(mine.map((shard) => this.#speakForOne(question, shard)));
    return entries.filter((entry) => entry !== null);
  }

  /** Made once: a shard that left meanwhile was asked while it was here. */
  async #speakForOne(question: CallAsk, shard: number): Promise<CallAnswerEntry | null> {
    return this.#options.served()?.includes(shard) === true ? this.#run(question, [shard]) : null;
  }

  /** null: the shards changed each time. */
  async #speak(question: CallAsk, served: () => readonly number[] | null): Promise<CallAnswerEntry | null> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const shards = served();
      if (shards === null || shards.length === 0) return null;
      const entry = await this.#run(question, shards);
      if (isSame(shards, served())) return entry;
    }
    return null;
  }

  async #run({ name, args }: CallAsk, shards: readonly number[]): Promise<CallAnswerEntry> {
    const handler = this.#handlers.get(name);
    if (handler === undefined) {
      return refusal(shards, `it has no handler for "${name}"; register it on every node with fleet.handle()`);
    }
    const replacer = name === CLIENT_VALUE ? withoutSecrets : undefined;
    const written = (value: unknown): Uint8Array =>
      toJson(`The value of "${name}"`, value, MAX_CALL_VALUE_BYTES, replacer);
    try {
      const given = fromJson('The arguments', args);
      const value = await this.#options.speaking(() => {
        const answer = handler(given, { shards });
        return answer instanceof Promise ? answer.then(written) : written(answer);
      });
      return { shards, value, error: null };
    } catch (error) {
      return refusal(shards, messageOf(error));
    }
  }
}

/** All values of a call together are bounded: an answer beyond that would not be sent, its caller wait in vain. */
function whatFits(entries: readonly CallAnswerEntry[]): readonly CallAnswerEntry[] {
  let bytes = 0;
  return entries.map((entry) => {
    bytes += entry.value.length;
    if (bytes <= MAX_CALL_BYTES) return entry;
    bytes -= entry.value.length;
    const most = `${MAX_CALL_BYTES / 2 ** 20} MiB`;
    return refusal(
      entry.shards,
      `the values of its node are more than ${most} together; ask for less, or fewer shards`,
    );
  });
}

function refusal(shards: readonly number[], error: string): CallAnswerEntry {
  return { shards, value: NOTHING, error };
}

function isSame(a: readonly number[], b: readonly number[] | null): boolean {
  return b !== null && a.length === b.length && a.every((shard) => b.includes(shard));
}
