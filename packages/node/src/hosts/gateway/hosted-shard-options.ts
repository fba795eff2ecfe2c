/** What a hosted shard is given. */
import type { FetchingStrategyOptions, IIdentifyThrottler } from '@discordjs/ws';
import type { Cursor } from '../../session/state.js';
import type { HostContext } from '../../shard-host.js';
import type { GatewayInfo } from './gateway-info.js';
import type { GatewayOptions } from './gateway-options.js';
import type { GatewayLibrary, ShardEvent } from './library.js';

export type HostedShardOptions = {
  library: GatewayLibrary;
  shardId: number;
  /** Where to go on, or null for a new session. */
  session: Cursor | null;
  /** Until it resolves, events are kept, in order: user code cannot take them yet. */
  hold?: Promise<void>;
  /** Whether what is replayed of it may have been handled before. */
  redelivers: boolean;
  context: HostContext;
  options: GatewayOptions;
  gatewayInfo: GatewayInfo;
  /** Everything of @discordjs/ws that does not depend on the shard. */
  fetchingOptions: FetchingStrategyOptions;
  /** For orchestrators that do not pace identifies. */
  localThrottler: () => Promise<IIdentifyThrottler>;
  /** To the manager's listeners. */
  emit: (event: ShardEvent, values: readonly unknown[]) => void;
};
