/** What a handler of the REST interface is given, and what it answers. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, Answers, Configuration, EndpointName, Takes } from '@dshard/api';
import type { Clock, Random } from '@dshard/transport';
import type { OwnProcess } from '../adapters/own-process.js';
import type { CommandMeta, OrchestratorHandle } from '../runtime/contract.js';
import type { Access, Identity } from './access.js';
import type { Audit } from './audit.js';
import type { Reply } from './answers.js';
import type { LiveStreams } from './live/live-streams.js';
import type { OpenStreams } from './server-sent-events.js';
import type { Sessions } from './sessions.js';

export type Surroundings = {
  readonly orchestrator: OrchestratorHandle;
  readonly clock: Clock;
  readonly random: Random;
  readonly streams: OpenStreams;
  readonly live: LiveStreams;
  readonly access: Access;
  readonly sessions: Sessions;
  readonly audit: Audit;
  /** Whether it is asked by https. */
  readonly isTls: boolean;
  readonly ownProcess: OwnProcess;
  readonly configuration: Configuration;
  /** The orchestrator's own version. */
  readonly version: string;
};

/** What a client calls itself, and the address that it comes from. */
export type Client = { readonly client: string; readonly from: string };

/** A request whose parameters were read. `by` is who asks, as the history is to name them. */
export type Asked<Values> = {
  readonly values: Values;
  readonly by: string;
  readonly client: Client;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** null: a probe, of somebody who showed no token. */
  readonly identity: Identity | null;
  /** For a command: the id of the request, and what must still be so. */
  readonly meta: CommandMeta;
};

/** Whatever an entry answers, what went wrong is told as an `Answer`. null: the handler took the response over. */
export type Handled<Body> = Reply<Body> | Reply<Answer> | null;

export type Handler<Values, Body> = (
  asked: Asked<Values>,
  surroundings: Surroundings,
) => Handled<Body> | Promise<Handled<Body>>;

export type Handlers = { readonly [Name in EndpointName]: Handler<Takes<Name>, Answers<Name>> };

export function found<Body>(body: Body): Reply<Body> {
  return { status: 200, body };
}

/** With the version that `If-Match` takes. */
export function foundAs<Body>(version: string | null, body: Body): Reply<Body> {
  return { status: 200, body, ...(version !== null && { headers: { etag: `"${version}"` } }) };
}
