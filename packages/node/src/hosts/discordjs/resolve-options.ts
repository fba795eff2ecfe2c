/** The options of `orchestrated`: what they default to, what is refused, and which of them are for whom. */
import { silentLogger, systemClock, systemRandom } from '@dshard/transport';
import type { Logger } from '@dshard/transport';
import { invalidOption, refuseUnknownKeys } from '../../check-options.js';
import type { NodeOptions } from '../../options.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import { resolveTimeouts } from '../../gateway-shard/timeouts.js';
import type { OrchestratedOptions } from './options.js';

const WHERE = 'orchestrated';

const KEYS: readonly (keyof OrchestratedOptions)[] = [
  'orchestrator',
  'nodeId',
  'version',
  'token',
  'userEvents',
  'logger',
  'limits',
  'lingerMs',
  'patienceMs',
  'exitOnShutdown',
  'fleet',
  'clock',
  'random',
  'transport',
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
  if ((options.exportShard === undefined) !== (options.importShard === undefined)) {
    const [given, missing] =
      options.exportShard === undefined ? ['importShard', 'exportShard'] : ['exportShard', 'importShard'];
    throw invalidOption(WHERE, given, `needs ${missing} as well: what one gives, the other takes.`);
  }
  if (options.state?.exportState !== undefined && options.state.exportDelta === undefined) {
    throw invalidOption(WHERE, 'state', 'has exportState and no exportDelta, so what changes meanwhile would be lost.');
  }
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
