/** The options of `orchestrated`: those of the node, and what is particular to discord.js. */
import { silentLogger, systemClock, systemRandom } from '@dshard/transport';
import type { Logger } from '@dshard/transport';
import type { ClientOptions } from 'discord.js';
import { checkPair, checkStateHooks, invalidOption, refuseUnknownKeys } from '../../check-options.js';
import type { GatewayOptions, GatewayTimeouts } from '../../gateway-shard/options.js';
import { resolveTimeouts } from '../../gateway-shard/options.js';
import { NODE_OPTION_KEYS } from '../../options.js';
import type { NodeOptions } from '../../options.js';
import type { StateHooks } from '../user-code.js';

export type OrchestratedOptions = Omit<NodeOptions, 'host'> & {
  /**
   * The bot's own state of a shard, in one value that MessagePack can carry; taken when the shard has stopped handing
   * out events here. The guilds are discord.js' and move by themselves.
   */
  exportShard?: (shardId: number) => unknown;
  /** Gets that value where the shard goes on: its guilds are in the caches, and no event has come yet. */
  importShard?: (shardId: number, state: unknown) => void | Promise<void>;
  /**
   * For much state: by user events (`userEvents`), copied while the shard serves. Instead of the two above, or besides
   * them.
   */
  state?: StateHooks;
  timeouts?: GatewayTimeouts;
  /** What would be `ws` among the client's options. */
  ws?: Omit<NonNullable<ClientOptions['ws']>, 'buildStrategy' | 'buildIdentifyThrottler'>;
};

/** The options of `orchestrated`: what they default to, what is refused, and which of them are for whom. */
const WHERE = 'orchestrated';

const KEYS: readonly (keyof OrchestratedOptions)[] = [
  ...NODE_OPTION_KEYS,
  'exportShard',
  'importShard',
  'state',
  'timeouts',
  'ws',
];

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function checkOptions(options: OrchestratedOptions): void {
  refuseUnknownKeys(WHERE, options, KEYS);
  resolveTimeouts(WHERE, options.timeouts ?? {});
  checkPair(WHERE, options, ['exportShard', 'importShard']);
  checkStateHooks(WHERE, options.state);
  const given: object = options.ws ?? {};
  if ('buildStrategy' in given || 'buildIdentifyThrottler' in given) {
    throw invalidOption(WHERE, 'ws', 'has a strategy or a throttler; the orchestrator says which shards run here.');
  }
}

/** The options of the node alone. */
export function nodeOptions(options: OrchestratedOptions): Omit<NodeOptions, 'host'> {
  const { exportShard: _, importShard: __, state: ___, timeouts: ____, ws: _____, ...node } = options;
  return node;
}

export function gatewayOptions(
  options: OrchestratedOptions,
  deliver: GatewayOptions['deliver'],
  logger: Logger = options.logger ?? silentLogger,
): GatewayOptions {
  return {
    deliver,
    timeouts: resolveTimeouts(WHERE, options.timeouts ?? {}),
    logger,
    clock: options.clock ?? systemClock(),
    random: options.random ?? systemRandom(),
  };
}
