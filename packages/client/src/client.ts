/**
 * Asks what the contract (`@dshard/api`) has, by its names. Whatever who answers says, or does not say, ends in one
 * `ClientError`.
 */
import {
  requestFor,
  type Answers,
  type EndpointName,
  type HistoryEntry,
  type OperationKind,
  type OperationStatus,
  type StartedOperation,
  type WrittenParameters,
} from '@dshard/api';
import { delay, type Clock } from '@dshard/transport';
import { documentOf, isAnswerTo } from './answers.js';
import { ClientError } from './errors.js';
import { allPagesOf, type ListName } from './pages.js';
import { eventsIn } from './server-sent-events.js';
import { notOurs, type Reply, type Transport } from './transport.js';

export type Client = {
  /** Asks what the contract has under this name. Resolves with the answer, which may come when an operation is done. */
  ask<Name extends EndpointName>(
    name: Name,
    parameters?: WrittenParameters,
    options?: AskOptions,
  ): Promise<Answers<Name>>;
  /** A list with all its pages, as the one document that a single page would have been. */
  all<Name extends ListName>(name: Name, parameters?: WrittenParameters): Promise<Answers<Name>>;
  /**
   * Starts an operation, once: the request has an idempotency key, and is sent again when its answer is lost. Resolves
   * when the operation has begun; `operation` null: there is nothing to do.
   */
  start(kind: OperationKind, parameters?: WrittenParameters): Promise<StartedOperation>;
  /** Resolves when the operation has ended. An orchestrator that is restarted meanwhile is waited for. */
  waitFor(operation: string, options?: WaitOptions): Promise<OperationStatus>;
  /** Calls back for what the history has after `after` and for what follows. Resolves when the stream ends. */
  follow(after: number, onEntry: (entry: HistoryEntry) => void, signal?: AbortSignal): Promise<void>;
  /** What it says of whether it can do its work; null where nobody answers in words of ours. */
  readiness(): Promise<{ status: number; document: Readonly<Record<string, unknown>> } | null>;
};

export type AskOptions = {
  readonly signal?: AbortSignal | undefined;
  /** `If-Match`: what is to be changed must still be so. */
  readonly ifMatch?: string;
  /** For `startOperation`: the same key again begins nothing. */
  readonly idempotencyKey?: string;
};

export type WaitOptions = {
  readonly signal?: AbortSignal;
  /** How far it is, each time that it was looked at. null: the orchestrator does not answer. */
  onProgress?(this: void, status: OperationStatus | null): void;
};

/** How long a lost answer, or an orchestrator that is restarted, is waited for. */
const AWAY_MS = 60_000;
const RETRY_MS = 1_000;
/** For how long one request waits for the end of an operation. */
const WAIT_AT_ONCE = '15s';
const MAX_LOST_ANSWERS = 5;

export function clientOver(transport: Transport, clock: Clock): Client {
  const ask: Client['ask'] = async <Name extends EndpointName>(
    name: Name,
    parameters?: WrittenParameters,
    { signal, ifMatch, idempotencyKey }: AskOptions = {},
  ) => {
    const headers = {
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    };
    const reply = await transport.send(requestFor(name, parameters), { accept: 'application/json', headers, signal });
    const document = await documentOf(transport, reply);
    if (!isAnswerTo(name, document)) throw notOurs(transport);
    return document as Answers<Name>;
  };
  return {
    ask,
    all: (name, parameters = {}) => allPagesOf(ask, name, parameters),
    async start(kind, parameters = {}) {
      const idempotencyKey = newKey();
      for (let lost = 0; ; lost += 1) {
        try {
          return await ask('startOperation', { kind, ...parameters }, { idempotencyKey });
        } catch (error) {
          const isLost = error instanceof ClientError && error.code === 'DSO_CLIENT_HUNG_UP';
          // Who was never reached has begun nothing; after a lost answer, nobody there means: it restarts.
          if (!isLost && !(lost > 0 && isAway(error))) throw error;
          if (lost >= MAX_LOST_ANSWERS) throw error;
          await delay(clock, RETRY_MS);
        }
      }
    },
    async waitFor(id, { signal, onProgress } = {}) {
      let heardAt = clock.monotonicMs();
      for (;;) {
        try {
          const status = await ask('waitOperation', { id, timeout: WAIT_AT_ONCE }, { signal });
          heardAt = clock.monotonicMs();
          if (status.endedAt !== null) return status;
          onProgress?.(status);
        } catch (error) {
          if (!isAway(error) || clock.monotonicMs() - heardAt >= AWAY_MS) throw error;
          onProgress?.(null);
          await delay(clock, RETRY_MS, signal);
        }
      }
    },
    async follow(after, onEntry, signal) {
      const request = requestFor('events', { after: String(after) });
      const reply = await transport.send(request, { accept: EVENT_STREAM, signal });
      await checkStream(transport, reply);
      for await (const { data } of eventsIn(reply.chunks())) onEntry(JSON.parse(data) as HistoryEntry);
    },
    async readiness() {
      try {
        const reply = await transport.send(requestFor('readyz'), { accept: 'application/json' });
        const document = Object(JSON.parse(await reply.text())) as Record<string, unknown>;
        return { status: reply.status, document };
      } catch {
        return null;
      }
    },
  };
}

const EVENT_STREAM = 'text/event-stream';

async function checkStream(transport: Transport, reply: Reply): Promise<void> {
  if (reply.status === 200 && reply.contentType.startsWith(EVENT_STREAM)) return;
  await documentOf(transport, reply);
  throw notOurs(transport);
}

/** Nobody answers, hung up, or who does is starting or a standby. */
function isAway(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  return error.code === 'DSO_CLIENT_UNREACHABLE' || error.code === 'DSO_CLIENT_HUNG_UP' || error.status === 503;
}

function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
