/** Discord's REST, as much of it as a bot needs to start and to answer. What is not here is 404. */
import type { Clock } from '@dshard/transport';
import { bareToken, isBotToken } from '../../core/token.js';
import { servedVersions } from '../../core/discord.js';
import { readBudget } from '../../core/limits.js';
import type { GatewayState } from '../../core/state.js';
import type { Stage } from '../../world/stage.js';
import type { HttpHandler } from '../http.js';
import { applicationRoutes } from './application-routes.js';
import { channelRoutes } from './channel-routes.js';
import { guildRoutes } from './guild-routes.js';
import { interactionRoutes } from './interaction-routes.js';
import { restRouter, type RestRoute } from './rest-router.js';

export type DiscordRoutesOptions = {
  state: GatewayState;
  clock: Clock;
  gatewayUrl: () => string;
  recommendedShards: number;
  stage: Stage;
};

export function discordRoutes(options: DiscordRoutesOptions): HttpHandler {
  const { state } = options;
  const authorized = (authorization: string | null): boolean =>
    authorization !== null && authorization.startsWith('Bot ') && isBotToken(state, bareToken(authorization));
  return restRouter(discordRouteTable(options), { versions: servedVersions, authorized });
}

/** Everything that is served, for the documentation too. */
export function discordRouteTable(options: DiscordRoutesOptions): RestRoute[] {
  const { stage } = options;
  return [
    ...gatewayRoutes(options),
    ...applicationRoutes(stage),
    ...channelRoutes(stage),
    ...guildRoutes(stage),
    ...interactionRoutes(stage),
  ];
}

function gatewayRoutes({ state, clock, gatewayUrl, recommendedShards }: DiscordRoutesOptions): RestRoute[] {
  return [
    { method: 'GET', path: '/gateway', open: true, run: () => ({ body: { url: gatewayUrl() } }) },
    {
      method: 'GET',
      path: '/gateway/bot',
      run: () => {
        const { total, remaining, resetAfterMs } = readBudget(state.budget, clock.now());
        const max_concurrency = state.windows.maxConcurrency;
        const session_start_limit = { total, remaining, reset_after: Math.ceil(resetAfterMs), max_concurrency };
        return { body: { url: gatewayUrl(), shards: recommendedShards, session_start_limit } };
      },
    },
  ];
}
