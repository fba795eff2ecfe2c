/** What a node says of itself. */
import { hostname } from 'node:os';
import type { Random } from '@dshard/transport';
import type { ResolvedOptions } from './options.js';
import type { Identity } from './session/state.js';
import { capabilitiesOf } from './shard-host.js';

export function identityOf(options: ResolvedOptions): Identity {
  const { nodeId, version, allowBaseLevelOrchestrator, host, hostTimeouts, lingerMs, patienceMs, random } = options;
  const { readyMs, handlersMs } = hostTimeouts;
  return {
    nodeId,
    version,
    allowBaseLevelOrchestrator,
    host: hostname(),
    pid: process.pid,
    instance: `${process.pid}-${digits(random)}${digits(random)}`,
    bounds: { lingerMs, patienceMs, readyMs, handlersMs },
    capabilities: capabilitiesOf(host),
  };
}

/** Two of them tell any two processes of a bot apart. */
function digits(random: Random): string {
  return Math.floor(random.next() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
