/**
 * Requests that leave this machine. They go through the proxy that the environment asks for, if it asks for one;
 * `undici` is loaded only then, for the `fetch` of Node 20 knows no proxies.
 */
import { messageOf } from '@dshard/protocol';
import { proxyFor, type Environment, type ProxySetting } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';

type Outgoing = {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  redirect?: 'error';
};

export type Answered = {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: (AsyncIterable<Uint8Array> & { cancel(): Promise<void> }) | null;
};

/** Rejects as `fetch` does, and with `DSO_PROXY_UNUSABLE` where the proxy does not let the request through. */
export type OutgoingFetch = (url: string, request: Outgoing) => Promise<Answered>;

/** The proxy is asked rarely, so no connection is kept. */
const KEPT_MS = 100;

export function outgoingFetch(env: Environment = process.env): OutgoingFetch {
  return async (url, request) => {
    const proxy = usableProxy(url, env);
    if (proxy === null) return fetch(url, request);
    const undici = await import('undici');
    const kept = { keepAliveTimeout: KEPT_MS, keepAliveMaxTimeout: KEPT_MS };
    const dispatcher = new undici.ProxyAgent({ uri: proxy.url, ...kept });
    try {
      return await undici.fetch(url, { ...request, dispatcher });
    } catch (cause) {
      // What was aborted by us is not the proxy's fault.
      if (request.signal?.aborted === true) throw cause;
      const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
      // A path may have a secret in it: a webhook's has.
      const text = `${new URL(url).host} cannot be reached through the proxy ${nameOf(proxy)}: ${messageOf(reason)}.`;
      throw new OrchestratorError('DSO_PROXY_UNUSABLE', text, { cause });
    }
  };
}

/** Throws `DSO_PROXY_UNUSABLE` for a proxy of a kind that is not known here. */
export function usableProxy(url: string, env: Environment): ProxySetting | null {
  const proxy = proxyFor(new URL(url), env);
  if (proxy === null || (URL.canParse(proxy.url) && /^https?:$/.test(new URL(proxy.url).protocol))) return proxy;
  const text =
    `${proxy.variable} is no proxy that can be used: an address such as http://proxy.internal:3128 is needed. ` +
    `To reach ${new URL(url).host} without one, name it in NO_PROXY.`;
  throw new OrchestratorError('DSO_PROXY_UNUSABLE', text);
}

/** Without the password that it may have. */
function nameOf({ variable, url }: ProxySetting): string {
  return `${new URL(url).host} (${variable})`;
}
