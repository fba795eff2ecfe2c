/** What carries a request and its answer: `node:http` in programs, `fetch` in pages. */
import type { ApiRequest } from '@dshard/api';
import { ClientError } from './errors.js';

/** Which orchestrator, as messages name it. */
export type Place = { readonly url: string };

export type Transport = Place & {
  /** Resolves when the head of the answer is there. Rejects with DSO_CLIENT_UNREACHABLE or DSO_CLIENT_HUNG_UP. */
  send(request: ApiRequest, how: SendOptions): Promise<Reply>;
};

export type SendOptions = {
  readonly accept: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

export type Reply = {
  readonly status: number;
  readonly contentType: string;
  /** The whole body. Rejects with DSO_CLIENT_HUNG_UP when it does not come whole, or does not end. */
  text(): Promise<string>;
  /** The body as it comes in. Ends when the connection does, however that was. */
  chunks(): AsyncIterable<string>;
};

export function notOurs({ url }: Place, cause?: unknown): ClientError {
  return new ClientError(
    'DSO_CLIENT_NO_ORCHESTRATOR',
    `What answers at ${url} is no orchestrator. Its REST interface is on port 7448 by default, not where nodes connect.`,
    { cause },
  );
}
