/** The options of `orchestrated`: what they default to, what is refused, and which of them are for whom. */
import { systemClock, systemRandom } from '@dshard/transport';
import type { Clock, Random } from '@dshard/transport';
import { invalidOption, refuseUnknownKeys, wholeNumber } from '../../check-options.js';
import { resolveTimeouts } from '../../gateway-shard/timeouts.js';
import type { GatewayTimeouts } from '../../gateway-shard/timeouts.js';
import { KEEP_ALL } from '../../guild-state/people.js';
import type { PeopleLimits } from '../../guild-state/people.js';
import type { NodeOptions } from '../../options.js';
import type { HostTimeouts } from '../../shard-host.js';
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
  'keep',
  'timeouts',
];

export type ClientHostOptions = Pick<OrchestratedOptions, 'exportShard' | 'importShard' | 'state'> & {
  readonly keep: PeopleLimits;
  readonly gatewayTimeouts: GatewayTimeouts;
  readonly timeouts: HostTimeouts;
  readonly lingerMs: number;
  readonly clock: Clock;
  readonly random: Random;
};

const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };
const TIME = { min: 1, max: 3_600_000 };
const LINGER_MS = 15_000;
/** A freeze has a second. */
const HANDLERS_MS = 500;

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveClientOptions(options: OrchestratedOptions): ClientHostOptions {
  refuseUnknownKeys(WHERE, options, KEYS);
  const { keep = {}, exportShard, importShard, state, lingerMs = LINGER_MS } = options;
  const { readyListenersMs, importMs, ...timeouts } = options.timeouts ?? {};
  refuseUnknownKeys(`${WHERE} (keep)`, keep, ['members', 'presences']);
  const gatewayTimeouts = { handlersMs: HANDLERS_MS, ...timeouts };
  resolveTimeouts(WHERE, gatewayTimeouts);
  if ((exportShard === undefined) !== (importShard === undefined)) {
    const [given, missing] =
      exportShard === undefined ? ['importShard', 'exportShard'] : ['exportShard', 'importShard'];
    throw invalidOption(WHERE, given, `needs ${missing} as well: what one gives, the other takes.`);
  }
  if (state?.exportState !== undefined && state.exportDelta === undefined) {
    throw invalidOption(WHERE, 'state', 'has exportState and no exportDelta, so what changes meanwhile would be lost.');
  }
  return {
    ...(exportShard && { exportShard }),
    ...(importShard && { importShard }),
    ...(state && { state }),
    keep: {
      members: wholeNumber(WHERE, 'keep.members', keep.members, KEEP_ALL.members, COUNT),
      presences: wholeNumber(WHERE, 'keep.presences', keep.presences, KEEP_ALL.presences, COUNT),
    },
    gatewayTimeouts,
    timeouts: {
      readyMs: wholeNumber(WHERE, 'timeouts.readyListenersMs', readyListenersMs, 10_000, TIME),
      importMs: wholeNumber(WHERE, 'timeouts.importMs', importMs, 5_000, TIME),
      handlersMs: gatewayTimeouts.handlersMs,
    },
    lingerMs,
    clock: options.clock ?? systemClock(),
    random: options.random ?? systemRandom(),
  };
}

/** The options of the node alone. */
export function nodeOptions(options: OrchestratedOptions): Omit<NodeOptions, 'host'> {
  const { exportShard: _, importShard: __, state: ___, keep: ____, timeouts: _____, ...node } = options;
  return node;
}
