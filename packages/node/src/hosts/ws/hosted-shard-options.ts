/** What a hosted shard is given. */
import type { FetchingStrategyOptions, IIdentifyThrottler, WebSocketShardEvents } from '@discordjs/ws';
import type { Cursor } from '../../session/state.js';
import type { HostContext } from '../../shard-host.js';
import type { GatewayInfo } from './gateway-info.js';
import type { ResolvedWsOptions } from './options.js';

export type HostedShardOptions = {
  shardId: number;
  /** Where to go on, or null for a new session. */
  session: Cursor | null;
  /** Whether what is replayed of it may have been handled before. */
  redelivers: boolean;
  context: HostContext;
  options: ResolvedWsOptions;
  gatewayInfo: GatewayInfo;
  /** Everything of @discordjs/ws that does not depend on the shard. */
  fetchingOptions: FetchingStrategyOptions;
  /** For orchestrators that do not pace identifies. */
  localThrottler: () => Promise<IIdentifyThrottler>;
  /** To the manager's listeners. */
  emit: (event: WebSocketShardEvents, args: readonly unknown[]) => void;
};
