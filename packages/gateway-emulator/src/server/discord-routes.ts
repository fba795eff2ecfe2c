/** Discord's REST, as much of it as a library asks for before it connects: `/gateway` and `/gateway/bot`. */
import type { Clock } from '@dshard/transport';
import { servedVersions } from '../core/discord.js';
import { readBudget } from '../core/session-start-budget.js';
import type { GatewayState } from '../core/state.js';
import type { HttpHandler } from './http.js';

export type DiscordRoutesOptions = {
  state: GatewayState;
  clock: Clock;
  gatewayUrl: () => string;
  recommendedShards: number;
};

/** With or without `/api` and a version before it. */
const discordPath = /^(?:\/api)?(?:\/v(\d+))?(\/gateway(?:\/bot)?)\/?$/;

export function discordRoutes(options: DiscordRoutesOptions): HttpHandler {
  return ({ method, path, authorization }) => {
    const [, version, route] = discordPath.exec(path) ?? [];
    if (route === undefined) return null;
    if (method !== 'GET') return { status: 405, body: { message: '405: Method Not Allowed', code: 0 } };
    if (version !== undefined && !servedVersions.includes(Number(version))) {
      return { status: 400, body: { message: 'Invalid API version', code: 50_041 } };
    }
    if (route === '/gateway') return { status: 200, body: { url: options.gatewayUrl() } };
    const { state, clock } = options;
    if (state.token === null || authorization !== `Bot ${state.token}`) {
      return { status: 401, body: { message: '401: Unauthorized', code: 0 } };
    }
    const { total, remaining, resetAfterMs } = readBudget(state.budget, clock.now());
    const max_concurrency = state.windows.maxConcurrency;
    return {
      status: 200,
      body: {
        url: options.gatewayUrl(),
        shards: options.recommendedShards,
        session_start_limit: { total, remaining, reset_after: Math.ceil(resetAfterMs), max_concurrency },
      },
    };
  };
}
