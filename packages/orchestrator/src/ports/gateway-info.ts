/** What `GET /gateway/bot` says (ancestor: ShardCountProvider). */
export type GatewayInfo = {
  url: string;
  recommendedShards: number;
  maxConcurrency: number;
  /** Session starts of a day, and how many of them are left. */
  identifiesTotal: number;
  identifiesRemaining: number;
  resetAfterMs: number;
};

export type GatewayInfoSource = { fetch(): Promise<GatewayInfo> };
