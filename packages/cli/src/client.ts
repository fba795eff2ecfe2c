/**
 * The client (`@dshard/client`) as the command line has it: what goes wrong is told with the way out on a command line,
 * and texts for people are made printable, so that nothing behind has to think of it.
 */
import type { Answers, EndpointName, HistoryEntry, WrittenParameters } from '@dshard/api';
import { ClientError, createClient as createApiClient, userAtHost, type Client as ApiClient } from '@dshard/client';
import { printableDocument } from '@dshard/protocol';
import { systemClock, tlsFaultOf, type Clock } from '@dshard/transport';
import type { Target } from './connection-options.js';
import { CliError } from './errors.js';

export type Client = Pick<ApiClient, 'ask' | 'follow'>;

export type ClientOptions = {
  /** For programs: the document as it was answered. Default: with printable texts, for people. */
  exact?: boolean;
  clock?: Clock;
};

/** Every method rejects with DSO_CLI_UNREACHABLE or DSO_CLI_REFUSED. */
export function createClient(target: Target, { exact = false, clock = systemClock() }: ClientOptions = {}): Client {
  const client = createApiClient(target, { clock, requester: requester() });
  const shown = (document: unknown): unknown => (exact ? document : printableDocument(document));
  return {
    ask: <Name extends EndpointName>(name: Name, parameters?: WrittenParameters) =>
      client.ask(name, parameters).then((document) => shown(document) as Answers<Name>, withWayOut),
    follow: (after, onEntry) =>
      client.follow(after, (entry) => onEntry(shown(entry) as HistoryEntry)).catch(withWayOut),
  };
}

/** What it says of whether it can do its work; null where nobody answers in words of ours. */
export function readinessOf(target: Target): ReturnType<ApiClient['readiness']> {
  return createApiClient(target, { requester: requester() }).readiness();
}

/** An answer that lacks what we show was not made by an orchestrator. */
export function notOurs({ url }: Target, cause?: unknown): CliError {
  return new CliError(
    'DSO_CLI_UNREACHABLE',
    `What answers at ${url} is no orchestrator. Its REST interface is on port 7448 by default, not where nodes connect.`,
    { cause },
  );
}

/** For the orchestrator's history. */
function requester(): string {
  return `${userAtHost()} (dso)`;
}

const START = 'Start an orchestrator with `dso up`, or say where it is with --address or DSO_CLI_ADDR.';
const HUNG_UP =
  'If the orchestrator ended meanwhile, `dso status` shows whether it did what was asked when it is back; if nodes ' +
  'connect there, its REST interface is elsewhere, by default on port 7448; if it is reached by TLS, its address begins with https://.';

function withWayOut(error: unknown): never {
  if (!(error instanceof ClientError)) throw error;
  const { code, message, status } = error;
  switch (code) {
    case 'DSO_CLIENT_REFUSED': {
      const hint = status === 401 ? ' Here: --token, DSO_TOKEN or DSO_TOKEN_FILE.' : '';
      throw new CliError('DSO_CLI_REFUSED', `${message}${hint}`, { cause: error, ...(status !== null && { status }) });
    }
    case 'DSO_CLIENT_UNREACHABLE': {
      const isTlsFault = error.cause instanceof Error && tlsFaultOf(error.cause) !== null;
      throw new CliError('DSO_CLI_UNREACHABLE', isTlsFault ? message : `${message} ${START}`, { cause: error });
    }
    case 'DSO_CLIENT_HUNG_UP':
      throw new CliError('DSO_CLI_UNREACHABLE', `${message} ${HUNG_UP}`, { cause: error });
    case 'DSO_CLIENT_NO_ORCHESTRATOR':
      throw new CliError('DSO_CLI_UNREACHABLE', message, { cause: error });
  }
}
