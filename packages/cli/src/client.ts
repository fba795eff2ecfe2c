/**
 * Talks to the REST interface. Built on `node:http`, because `fetch` gives up on an answer after five minutes, and a
 * rollout answers when it is done. Only connecting is bounded in time.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
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
import { messageOf } from '@dshard/protocol';
import { systemClock, type Clock } from '@dshard/transport';
import type { Target } from './connection-options.js';
import { CliError } from './errors.js';

export type Client = {
  /** Asks what the contract has under this name. Resolves with the answer, which may come when an operation is done. */
  ask<Name extends EndpointName>(name: Name, parameters?: WrittenParameters): Promise<Answers<Name>>;
  /** Calls back for what the history has after `after` and for what follows. Resolves when the stream ends. */
  follow(after: number, onEntry: (entry: HistoryEntry) => void): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 10_000;
/** Node ids and figures of the largest fleets fit many times. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Every method rejects with DSO_CLI_UNREACHABLE or DSO_CLI_REFUSED. */
export function createClient(target: Target, clock: Clock = systemClock()): Client {
  return {
    async ask<Name extends EndpointName>(name: Name, parameters?: WrittenParameters) {
      const response = await send(target, requestFor(name, parameters), 'application/json', clock);
      return parseAnswer(target, response.statusCode ?? 0, await readAll(target, response)) as Answers<Name>;
    },
    async follow(after, onEntry) {
      const response = await send(target, requestFor('events', { after: String(after) }), 'text/event-stream', clock);
      if (response.statusCode !== 200) {
        parseAnswer(target, response.statusCode ?? 0, await readAll(target, response));
        return;
      }
      await readEvents(response, onEntry);
    },
  };
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
    request.on('socket', (socket) => socket.once('connect', cancel));
    request.on('response', resolve);
    request.on('error', (cause) => {
      cancel();
      reject(unreachable(target, cause));
    });
    request.end(body ?? undefined);
  });
}

async function readAll(target: Target, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
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
    status === 401 ? `${message} Here: --token, DSO_TOKEN or DSO_TOKEN_FILE.` : message,
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
    'was asked when it is back; if nodes connect there, its REST interface is elsewhere, by default on port 7448.';
  return new CliError('DSO_CLI_UNREACHABLE', text, { cause });
}

function notOurs(target: Target, cause?: unknown): CliError {
  return new CliError(
    'DSO_CLI_UNREACHABLE',
    `What answers at ${target.url} is no orchestrator. Its REST interface is on port 7448 by default, not where nodes connect.`,
    { cause },
  );
}

/** Connecting to `localhost` tries several addresses; then the reasons are in `errors`. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return messageOf(cause);
}
