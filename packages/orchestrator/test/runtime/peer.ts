/** What a hand-written node sends first. */
import { CAPABILITIES, LOGIC_VERSION } from '@dshard/protocol';
import type { Identify } from '@dshard/protocol';

export function identify(nodeId: string, more: Partial<Identify> = {}): Identify {
  return {
    kind: 'identify',
    totalShards: 0,
    runningShards: [],
    version: 'v1',
    nodeId,
    logicVersion: LOGIC_VERSION,
    capabilities: CAPABILITIES,
    token: null,
    host: 'test',
    pid: 1,
    heldSessions: [],
    ...more,
  };
}
