/** For fleets without a Discord token at the orchestrator: what `GET /gateway/bot` would say, as configured. */
import type { GatewayInfoSource } from '../../ports/gateway-info.js';

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
