/** The options of `orchestrated` for libraries whose clients are fed with dispatches. */
import { systemClock, systemRandom } from '@dshard/transport';
import type { Clock, Random } from '@dshard/transport';
import { checkPair, checkStateHooks, refuseUnknownKeys, wholeNumber } from '../../check-options.js';
import { resolveTimeouts } from '../../gateway-shard/options.js';
import type { GatewayTimeouts } from '../../gateway-shard/options.js';
import { KEEP_ALL } from '../../guild-state/people.js';
import type { PeopleLimits } from '../../guild-state/people.js';
import { NODE_OPTION_KEYS } from '../../options.js';
import type { NodeOptions } from '../../options.js';
import type { HostTimeouts } from '../../shard-host.js';
import type { StateHooks } from '../user-code.js';

export type OrchestratedOptions = Omit<NodeOptions, 'host'> & {
  /**
   * The bot's own state of a shard, in one value that MessagePack can carry; taken when the shard has stopped handing
   * out events here. Its guilds move by themselves.
   */
  exportShard?: (shardId: number) => unknown;
  /** Gets that value where the shard goes on: its guilds are in the caches, and no event has come yet. */
  importShard?: (shardId: number, state: unknown) => void | Promise<void>;
  /**
   * For much state: by user events (`userEvents`), copied while the shard serves. Instead of the two above, or besides
   * them.
   */
  state?: StateHooks;
  /**
   * How many members and presences of a guild move with it, beside the bot and those in voice channels: the newest.
   * Default: all that Discord has told of. They take memory in this process, about 500 bytes each (`npm run
   * bench:guild-state`).
   */
  keep?: { members?: number; presences?: number };
  timeouts?: GatewayTimeouts & {
    /**
     * How long what the bot does when it is ready may take, when the first shard comes from another node. Default 10 s.
     */
    readyListenersMs?: number;
    /** How long importShard may take. Default 5 s. */
    importMs?: number;
  };
};

/** The options of `orchestrated`: what they default to, what is refused, and which of them are for whom. */
const WHERE = 'orchestrated';

const KEYS: readonly (keyof OrchestratedOptions)[] = [
  ...NODE_OPTION_KEYS,
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
  checkPair(WHERE, options, ['exportShard', 'importShard']);
  checkStateHooks(WHERE, state);
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
