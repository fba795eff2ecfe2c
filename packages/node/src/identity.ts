/** What a node says of itself. */
import { hostname } from 'node:os';
import { CAPABILITIES } from '@dshard/protocol';
import type { Random } from '@dshard/transport';
import type { ResolvedOptions } from './options.js';
import type { Identity } from './session/state.js';

export function identityOf(options: ResolvedOptions): Identity {
  const { nodeId, labels, version, allowBaseLevelOrchestrator, hostTimeouts, lingerMs, patienceMs, random } = options;
  const { readyMs, handlersMs } = hostTimeouts;
  return {
    nodeId,
    version,
    allowBaseLevelOrchestrator,
    host: labels.host ?? hostname(),
    zone: labels.zone,
    pid: process.pid,
    instance: `${process.pid}-${digits(random)}${digits(random)}`,
    bounds: { lingerMs, patienceMs, readyMs, handlersMs },
    capabilities: CAPABILITIES,
  };
}

/** Two of them tell any two processes of a bot apart. */
function digits(random: Random): string {
  return Math.floor(random.next() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
