/**
 * Asks Discord (`GET /gateway/bot`) for the recommended shard count and how fast shards may identify. One attempt per
 * call: whether and when to ask again is decided elsewhere. The token never appears in a message.
 */
import { messageOf, printable } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import type { GatewayInfo, GatewayInfoSource } from '../../ports/surroundings.js';
import { outgoingFetch, type Answered, type OutgoingFetch } from '../outgoing/fetch.js';

export type DiscordGatewayInfoOptions = {
  /** The bot token, with or without `Bot ` before it. */
  token: string;
  /** Default https://discord.com/api/v10. */
  api?: string;
  clock: Clock;
  /** Default: through the proxy of the environment, if there is one. */
  fetch?: OutgoingFetch;
  /** For the whole answer. Default 10 s. */
  timeoutMs?: number;
};

const DEFAULT_API = 'https://discord.com/api/v10';
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_ANSWER_CHARACTERS = 64 * 1024;
/** Who asks for more than a day is not understood. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1_000;

export function discordGatewayInfo(options: DiscordGatewayInfoOptions): GatewayInfoSource {
  const url = `${(options.api ?? DEFAULT_API).replace(/\/+$/, '')}/gateway/bot`;
  const authorization = `Bot ${options.token.trim().replace(/^Bot\s+/i, '')}`;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const fetch = options.fetch ?? outgoingFetch();

  return {
    fetch: async () => {
      const abort = new AbortController();
      const cancel = options.clock.after(timeoutMs, () =>
        abort.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
      );
      try {
        const response = await fetch(url, { headers: { authorization }, signal: abort.signal });
        const text = await readBounded(response);
        requireSuccess(response, url, text, options.clock.wallClock());
        return parseGatewayInfo(text, url);
      } catch (cause) {
        throw cause instanceof OrchestratorError ? cause : unreachable(url, cause);
      } finally {
        cancel();
      }
    },
  };
}

async function readBounded(response: Answered): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER_CHARACTERS) break;
  }
  return printable(text);
}

function requireSuccess(response: Answered, url: string, text: string, now: number): void {
  if (response.ok) return;
  const retryAfterMs = retryAfterOf(response.headers.get('retry-after'), text, now);
  if (response.status === 401) {
    throw new OrchestratorError(
      'DSO_DISCORD_TOKEN_REFUSED',
      `${url} refused the bot token (401): correct the configured Discord token.`,
    );
  }
  if (response.status === 429) {
    const seconds = retryAfterMs === null ? 'some' : Math.ceil(retryAfterMs / 1000);
    const text = `${url} asks us to wait for ${seconds} s (429).`;
    throw new OrchestratorError('DSO_DISCORD_RATE_LIMITED', text, { retryAfterMs });
  }
  throw new OrchestratorError(
    response.status >= 500 ? 'DSO_DISCORD_UNREACHABLE' : 'DSO_DISCORD_ANSWER_INVALID',
    `${url} answered with status ${response.status}: ${text.slice(0, 200).trim() || 'nothing'}.`,
    { retryAfterMs },
  );
}

/**
 * How long Discord, or what stands before it, asks to wait: `Retry-After` in seconds or as a date, or `retry_after` in
 * seconds in the answer. null: it does not say.
 */
export function retryAfterOf(header: string | null, text: string, now: number): number | null {
  const written = header?.trim() ?? '';
  const inSeconds = written === '' ? fieldsOf(parseJson(text))['retry_after'] : Number(written);
  if (typeof inSeconds === 'number' && Number.isFinite(inSeconds)) return bounded(inSeconds * 1000);
  const date = Date.parse(written);
  return Number.isNaN(date) ? null : bounded(date - now);
}

function bounded(ms: number): number {
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(ms)));
}

/** `fetch` says "fetch failed" and keeps the reason in the cause. */
function unreachable(url: string, cause: unknown): OrchestratorError {
  const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  return new OrchestratorError('DSO_DISCORD_UNREACHABLE', `${url} did not answer: ${messageOf(reason)}.`, { cause });
}

function parseGatewayInfo(text: string, url: string): GatewayInfo {
  const answer = fieldsOf(parseJson(text));
  const limit = fieldsOf(answer['session_start_limit']);
  const gateway = answer['url'];
  const recommendedShards = answer['shards'];
  const { max_concurrency: maxConcurrency, total, remaining, reset_after: resetAfterMs } = limit;
  if (
    typeof gateway !== 'string' ||
    !isCount(recommendedShards, 1) ||
    !isCount(maxConcurrency, 1) ||
    !isCount(total, 1) ||
    !isCount(remaining, 0) ||
    !isCount(resetAfterMs, 0)
  ) {
    throw new OrchestratorError(
      'DSO_DISCORD_ANSWER_INVALID',
      `${url} did not give what /gateway/bot gives, but: ${text.slice(0, 200).trim() || 'nothing'}.`,
    );
  }
  return {
    url: gateway,
    recommendedShards,
    maxConcurrency,
    identifiesTotal: total,
    identifiesRemaining: remaining,
    resetAfterMs,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isCount(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
}

/** For fleets without a Discord token at the orchestrator: what `GET /gateway/bot` would say, as configured. */
export type FixedGatewayInfoOptions = {
  /** Identifies allowed per window. Default 1, what every bot has. */
  maxConcurrency?: number;
  /** Used only where no total shard count is configured. Default 1. */
  recommendedShards?: number;
  /** Default: Discord's generic gateway. */
  url?: string;
};

/** What Discord gives every bot per day. Nobody counts there; the orchestrator's own count is all there is. */
const SESSION_STARTS = 1000;
const DAY_MS = 24 * 60 * 60 * 1_000;

export function fixedGatewayInfo(options: FixedGatewayInfoOptions = {}): GatewayInfoSource {
  const info = {
    url: options.url ?? 'wss://gateway.discord.gg/',
    recommendedShards: options.recommendedShards ?? 1,
    maxConcurrency: options.maxConcurrency ?? 1,
    identifiesTotal: SESSION_STARTS,
    identifiesRemaining: SESSION_STARTS,
    resetAfterMs: DAY_MS,
  };
  return { fetch: async () => info };
}
