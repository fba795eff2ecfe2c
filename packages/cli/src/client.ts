/**
 * Talks to the REST interface. Built on `node:http`, because `fetch` gives up on an answer after five minutes, and a
 * rollout answers when it is done: that is waited for as long as the orchestrator shows signs of life.
 *
 * Who answers may be a stranger's server. Whatever it says, or does not say, ends in one sentence; texts are made
 * printable here, so that nothing behind has to think of it.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { hostname, userInfo } from 'node:os';
import {
  FORM_CONTENT_TYPE,
  requestFor,
  type Answers,
  type ApiRequest,
  type EndpointName,
  type HistoryEntry,
  type WrittenParameters,
} from '@dshard/api';
import { messageOf, printable, printableDocument } from '@dshard/protocol';
import { systemClock, tlsFaultOf, type Cancel, type Clock } from '@dshard/transport';
import type { Target } from './connection-options.js';
import { CliError } from './errors.js';

export type Client = {
  /** Asks what the contract has under this name. Resolves with the answer, which may come when an operation is done. */
  ask<Name extends EndpointName>(name: Name, parameters?: WrittenParameters): Promise<Answers<Name>>;
  /** Calls back for what the history has after `after` and for what follows. Resolves when the stream ends. */
  follow(after: number, onEntry: (entry: HistoryEntry) => void): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 10_000;
/** For the answer to a question, and for a sign of life of who works on a command. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Once an answer has begun, for all of it. */
const BODY_TIMEOUT_MS = 60_000;
/** Node ids and figures of the largest fleets fit many times. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_EVENT_CHARACTERS = 16 * 1024 * 1024;

export type ClientOptions = {
  /** For programs: the document as it was answered. Default: with printable texts, for people. */
  exact?: boolean;
  clock?: Clock;
};

/** Every method rejects with DSO_CLI_UNREACHABLE or DSO_CLI_REFUSED. */
export function createClient(target: Target, { exact = false, clock = systemClock() }: ClientOptions = {}): Client {
  const shown = (document: unknown): unknown => (exact ? document : printableDocument(document));
  return {
    async ask<Name extends EndpointName>(name: Name, parameters?: WrittenParameters) {
      const response = await send(target, requestFor(name, parameters), 'application/json', clock);
      const text = await readAll(target, response, clock);
      const document = parseAnswer(target, response.statusCode ?? 0, text);
      if (!isAnswerTo(name, document)) throw notOurs(target);
      return shown(document) as Answers<Name>;
    },
    async follow(after, onEntry) {
      const response = await send(target, requestFor('events', { after: String(after) }), 'text/event-stream', clock);
      const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
      if (response.statusCode !== 200 || !isStream) {
        parseAnswer(target, response.statusCode ?? 0, await readAll(target, response, clock));
        throw notOurs(target);
      }
      await readEvents(response, (entry) => onEntry(shown(entry) as HistoryEntry));
    },
  };
}

const LISTS: ReadonlySet<EndpointName> = new Set(['events', 'operations']);
/** What we act on before anybody sees it. */
const TEXTS: { readonly [Name in EndpointName]?: readonly string[] } = {
  startOperation: ['Message'],
  operation: ['id', 'state', 'text'],
};

/** Whether it may be what was asked for. What else it lacks shows when it is presented. */
function isAnswerTo(name: EndpointName, document: unknown): boolean {
  if (typeof document !== 'object' || document === null) return false;
  if (LISTS.has(name)) return Array.isArray(document);
  const fields = new Map(Object.entries<unknown>({ ...document }));
  return !Array.isArray(document) && (TEXTS[name] ?? []).every((field) => typeof fields.get(field) === 'string');
}

/** What it says of whether it can do its work; null where nobody answers in words of ours. */
export async function readinessOf(
  target: Target,
  clock: Clock = systemClock(),
): Promise<{ status: number; document: Readonly<Record<string, unknown>> } | null> {
  try {
    const response = await send(target, requestFor('readyz'), 'application/json', clock);
    const text = await readAll(target, response, clock);
    return { status: response.statusCode ?? 0, document: Object(JSON.parse(text)) as Record<string, unknown> };
  } catch {
    return null;
  }
}

/** For the orchestrator's history. */
function requester(): string {
  return `${userName()}@${hostname()} (dso)`;
}

/** A user without an entry in the system's list (in a container) has a number only. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}

function send(target: Target, asked: ApiRequest, accept: string, clock: Clock): Promise<IncomingMessage> {
  const { method, path, body } = asked;
  const url = new URL(`${target.url}${path}`);
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      ...target.tls,
      method,
      agent: false,
      headers: {
        accept,
        'x-requested-by': requester().replaceAll(/[^\x20-\x7e]+/g, '?'),
        ...(target.token === null ? {} : { authorization: `Bearer ${target.token}` }),
        ...(body === null ? {} : { 'content-type': FORM_CONTENT_TYPE, 'content-length': Buffer.byteLength(body) }),
      },
    });
    const cancel = clock.after(CONNECT_TIMEOUT_MS, () =>
      request.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
    );
    const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect';
    request.on('socket', (socket) => socket.once(connected, cancel));
    const cancelWatch = watchSilence(target, asked, request, clock);
    request.on('response', (response) => {
      cancelWatch();
      resolve(response);
    });
    request.on('error', (cause) => {
      cancel();
      cancelWatch();
      reject(unreachable(target, cause));
    });
    request.end(body ?? undefined);
  });
}

/**
 * Who says nothing to a question is given up. A command may take hours, so its server is asked for a sign of life
 * meanwhile.
 */
function watchSilence(target: Target, { method, path }: ApiRequest, request: ClientRequest, clock: Clock): Cancel {
  const hangUp = (): void => {
    request.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`));
  };
  if (method === 'GET') return clock.after(ANSWER_TIMEOUT_MS, hangUp);
  const life = requestFor('health');
  if (path === life.path) return () => undefined;
  return clock.every(ANSWER_TIMEOUT_MS, () => {
    send(target, life, 'application/json', clock).then(
      (response) => response.resume(),
      () => hangUp(),
    );
  });
}

async function readAll(target: Target, response: IncomingMessage, clock: Clock): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const cancel = clock.after(BODY_TIMEOUT_MS, () => response.destroy(new Error('the answer does not end')));
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer does not end');
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new CliError(
      'DSO_CLI_UNREACHABLE',
      `The orchestrator at ${target.url} hung up before it had answered: ${reasonOf(cause)}. Whether it did what was asked, \`dso status\` shows when it is back.`,
      { cause },
    );
  } finally {
    cancel();
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseAnswer(target: Target, status: number, text: string): unknown {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw notOurs(target, cause);
  }
  if (status >= 200 && status < 300) return document;
  const message: unknown = Object(document).Message;
  if (typeof message !== 'string') throw notOurs(target);
  throw new CliError(
    'DSO_CLI_REFUSED',
    `${printable(message)}${status === 401 ? ' Here: --token, DSO_TOKEN or DSO_TOKEN_FILE.' : ''}`,
    { status },
  );
}

/** Server-sent events: blocks between blank lines; comments (heartbeats) carry no data. */
async function readEvents(response: IncomingMessage, onEntry: (entry: HistoryEntry) => void): Promise<void> {
  let rest = '';
  response.setEncoding('utf8');
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      if (rest.length > MAX_EVENT_CHARACTERS) throw new Error('an event that does not end');
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) onEntry(JSON.parse(data) as HistoryEntry);
      }
    }
  } catch {
    // The stream broke off; for a follower that is its end, too.
  }
}

function unreachable(target: Target, cause: unknown): CliError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNRESET') return hungUp(target, cause);
  const tlsFault = cause instanceof Error ? tlsFaultOf(cause) : null;
  if (tlsFault !== null) {
    const text = `The orchestrator at ${target.url} cannot be reached: ${tlsFault}.`;
    return new CliError('DSO_CLI_UNREACHABLE', text, { cause });
  }
  const what =
    code === 'ECONNREFUSED'
      ? `Nobody listens at ${target.url}.`
      : `The orchestrator at ${target.url} cannot be reached: ${reasonOf(cause)}.`;
  return new CliError(
    'DSO_CLI_UNREACHABLE',
    `${what} Start an orchestrator with \`dso up\`, or say where it is with --address or DSO_CLI_ADDR.`,
    { cause },
  );
}

/** The orchestrator ended while it was at work, or this is the port for nodes, where HTTP is not understood. */
function hungUp({ url }: Target, cause: unknown): CliError {
  const text =
    `What listens at ${url} hung up before it had answered. If the orchestrator ended meanwhile, \`dso status\` shows whether it did what ` +
    'was asked when it is back; if nodes connect there, its REST interface is elsewhere, by default on port 7448; if it is reached by TLS, its address begins with https://.';
  return new CliError('DSO_CLI_UNREACHABLE', text, { cause });
}

export function notOurs(target: Target, cause?: unknown): CliError {
  return new CliError(
    'DSO_CLI_UNREACHABLE',
    `What answers at ${target.url} is no orchestrator. Its REST interface is on port 7448 by default, not where nodes connect.`,
    { cause },
  );
}

/** Connecting to `localhost` tries several addresses; then the reasons are in `errors`. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return printable(messageOf(cause));
}
