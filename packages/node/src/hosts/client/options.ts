/** The options of `orchestrated` for libraries whose clients are fed with dispatches. */
import type { Clock, Random } from '@dshard/transport';
import { refuseUnknownKeys, wholeNumber } from '../../check-options.js';
import { resolveTimeouts, type GatewayTimeouts } from '../../gateway-shard/options.js';
import { KEEP_ALL, type PeopleLimits } from '../../guild-state/people.js';
import type { HostTimeouts } from '../../shard-host.js';
import { checkClientOptions, surroundings, type ClientOptions } from '../options.js';

export type OrchestratedOptions = ClientOptions & {
  /**
   * How many members and presences of a guild move with it, beside the bot and those in voice channels: the newest.
   * Default: all that Discord has told of. They take memory in this process, about 500 bytes each (`npm run
   * bench -- guild-state`).
   */
  keep?: { members?: number; presences?: number };
  timeouts?: GatewayTimeouts & {
    /** How long what the bot does when ready may take, when the first shard comes from another node. Default 10 s. */
    readyListenersMs?: number;
    /** How long importShard may take. Default 5 s. */
    importMs?: number;
  };
};

const WHERE = 'orchestrated';

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
  checkClientOptions(options, ['keep', 'timeouts']);
  const { keep = {}, exportShard, importShard, state, lingerMs = LINGER_MS } = options;
  const { clock, random } = surroundings(options);
  const { readyListenersMs, importMs, ...timeouts } = options.timeouts ?? {};
  refuseUnknownKeys(`${WHERE} (keep)`, keep, ['members', 'presences']);
  const gatewayTimeouts = { handlersMs: HANDLERS_MS, ...timeouts };
  resolveTimeouts(WHERE, gatewayTimeouts);
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
    clock,
    random,
  };
}
