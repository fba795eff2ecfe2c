/**
 * For programs: on `node:http`, because `fetch` gives up on an answer after five minutes, and a rollout answers when it
 * is done: that is waited for as long as the orchestrator shows signs of life.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { FORM_CONTENT_TYPE, requestFor, type ApiRequest } from '@dshard/api';
import { messageOf, printable } from '@dshard/protocol';
import { tlsFaultOf, type Cancel, type Clock } from '@dshard/transport';
import { ClientError } from './errors.js';
import type { Place, Reply, SendOptions, Transport } from './transport.js';

export type Target = {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  readonly token: string | null;
  /** For https: whom to trust, and what to show where that is asked for; undefined: what Node.js trusts, nothing. */
  readonly tls?: TlsOptions;
};

type TlsOptions = { ca?: Buffer; cert?: Buffer; key?: Buffer; servername?: string };

const CONNECT_TIMEOUT_MS = 10_000;
/** For the answer to a question, and for a sign of life of who works on a command. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Once an answer has begun, for all of it. */
const BODY_TIMEOUT_MS = 60_000;
/** Node ids and figures of the largest fleets fit many times. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** @param requester for the orchestrator's history and its audit. */
export function nodeTransport(target: Target, requester: string, clock: Clock): Transport {
  const send = (asked: ApiRequest, how: SendOptions): Promise<IncomingMessage> =>
    sendRequest({ target, requester, clock }, asked, how);
  return {
    url: target.url,
    send: async (asked, how) => replyOf(target, await send(asked, how), clock),
  };
}

type Sender = { readonly target: Target; readonly requester: string; readonly clock: Clock };

function sendRequest(sender: Sender, asked: ApiRequest, how: SendOptions): Promise<IncomingMessage> {
  const { target, requester, clock } = sender;
  const { method, path, body } = asked;
  const url = new URL(`${target.url}${path}`);
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      ...target.tls,
      method,
      agent: false,
      signal: how.signal,
      headers: {
        accept: how.accept,
        'x-requested-by': requester.replaceAll(/[^\x20-\x7e]+/g, '?'),
        ...(target.token === null ? {} : { authorization: `Bearer ${target.token}` }),
        ...(body === null ? {} : { 'content-type': FORM_CONTENT_TYPE, 'content-length': Buffer.byteLength(body) }),
        ...how.headers,
      },
    });
    const cancel = clock.after(CONNECT_TIMEOUT_MS, () =>
      request.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
    );
    const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect';
    let isConnected = false;
    request.on('socket', (socket) =>
      socket.once(connected, () => {
        isConnected = true;
        cancel();
      }),
    );
    const cancelWatch = watchSilence(sender, asked, request);
    request.on('response', (response) => {
      cancelWatch();
      resolve(response);
    });
    request.on('error', (cause) => {
      cancel();
      cancelWatch();
      reject(how.signal?.aborted === true ? (how.signal.reason as Error) : faultOf(target, cause, isConnected));
    });
    request.end(body ?? undefined);
  });
}

/**
 * Who says nothing to a question is given up. A command may take hours, so its server is asked for a sign of life
 * meanwhile.
 */
function watchSilence(sender: Sender, { method, path }: ApiRequest, request: ClientRequest): Cancel {
  const { clock } = sender;
  const hangUp = (): void => {
    request.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`));
  };
  if (method === 'GET') return clock.after(ANSWER_TIMEOUT_MS, hangUp);
  const life = requestFor('health');
  if (path === life.path) return () => undefined;
  return clock.every(ANSWER_TIMEOUT_MS, () => {
    sendRequest(sender, life, { accept: 'application/json' }).then(
      (response) => response.resume(),
      () => hangUp(),
    );
  });
}

function replyOf(place: Place, response: IncomingMessage, clock: Clock): Reply {
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'] ?? '',
    text: () => readAll(place, response, clock),
    chunks: () => chunksOf(response),
  };
}

async function readAll(place: Place, response: IncomingMessage, clock: Clock): Promise<string> {
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
    throw new ClientError(
      'DSO_CLIENT_HUNG_UP',
      `The orchestrator at ${place.url} hung up before it had answered: ${reasonOf(cause)}.`,
      { cause },
    );
  } finally {
    cancel();
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A stream that broke off has ended, for whoever follows it. */
async function* chunksOf(response: IncomingMessage): AsyncGenerator<string> {
  response.setEncoding('utf8');
  const chunks = (response as AsyncIterable<string>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await chunks.next().catch(() => ({ done: true as const, value: undefined }));
      if (done === true) return;
      yield value;
    }
  } finally {
    response.destroy();
  }
}

function faultOf(place: Place, cause: unknown, isConnected: boolean): ClientError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNRESET') return hungUp(place, cause);
  const tlsFault = cause instanceof Error ? tlsFaultOf(cause) : null;
  const refused = `Nobody listens at ${place.url}.`;
  const text =
    code === 'ECONNREFUSED'
      ? refused
      : `The orchestrator at ${place.url} cannot be reached: ${tlsFault ?? reasonOf(cause)}.`;
  return new ClientError(isConnected ? 'DSO_CLIENT_HUNG_UP' : 'DSO_CLIENT_UNREACHABLE', text, { cause });
}

/** The orchestrator ended while it was at work, or this is the port for nodes, where HTTP is not understood. */
function hungUp({ url }: Place, cause: unknown): ClientError {
  return new ClientError('DSO_CLIENT_HUNG_UP', `What listens at ${url} hung up before it had answered.`, { cause });
}

/** Connecting to `localhost` tries several addresses; then the reasons are in `errors`. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return printable(messageOf(cause));
}
