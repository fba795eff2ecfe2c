/** The options of `orchestrated`: those of the node, and what is particular to discord.js. */
import type { Logger } from '@dshard/transport';
import type { ClientOptions } from 'discord.js';
import { invalidOption } from '../../check-options.js';
import { resolveTimeouts, type GatewayOptions, type GatewayTimeouts } from '../../gateway-shard/options.js';
import { checkClientOptions, surroundings, type ClientOptions as SharedOptions } from '../options.js';

export type OrchestratedOptions = SharedOptions & {
  timeouts?: GatewayTimeouts;
  /** What would be `ws` among the client's options. */
  ws?: Omit<NonNullable<ClientOptions['ws']>, 'buildStrategy' | 'buildIdentifyThrottler'>;
};

const WHERE = 'orchestrated';

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function checkOptions(options: OrchestratedOptions): void {
  checkClientOptions(options, ['timeouts', 'ws']);
  resolveTimeouts(WHERE, options.timeouts ?? {});
  const given: object = options.ws ?? {};
  if ('buildStrategy' in given || 'buildIdentifyThrottler' in given) {
    throw invalidOption(WHERE, 'ws', 'has a strategy or a throttler; the orchestrator says which shards run here.');
  }
}

export function gatewayOptions(
  options: OrchestratedOptions,
  deliver: GatewayOptions['deliver'],
  missed: NonNullable<GatewayOptions['missed']>,
  logger: Logger | undefined = options.logger,
): GatewayOptions {
  return {
    deliver,
    missed,
    timeouts: resolveTimeouts(WHERE, options.timeouts ?? {}),
    ...surroundings({ ...options, logger }),
  };
}
