/** What `GET /gateway/bot` says (ancestor: ShardCountProvider). */
export type GatewayInfo = {
  url: string;
  recommendedShards: number;
  maxConcurrency: number;
  identifiesRemaining: number;
  resetAfterMs: number;
};

export type GatewayInfoSource = { fetch(): Promise<GatewayInfo> };
