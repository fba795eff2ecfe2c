/** What a hand-written node sends first. */
import { CAPABILITIES, encodeMessage, FRAME_HEADER_BYTES, LOGIC_VERSION, provenBytes } from '@dshard/protocol';
import type { Challenge, Identify, Proof } from '@dshard/protocol';
import { macOf } from '@dshard/transport';

export function identify(nodeId: string, more: Partial<Identify> = {}): Identify {
  return {
    kind: 'identify',
    totalShards: 0,
    runningShards: [],
    version: 'v1',
    nodeId,
    logicVersion: LOGIC_VERSION,
    capabilities: CAPABILITIES,
    host: 'test',
    pid: 1,
    heldSessions: [],
    ...more,
  };
}

export const NONCE: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => index);

/** The first Identify of a node that has a token. */
export function bareIdentify(nodeId: string, { capabilities = CAPABILITIES }: Partial<Identify> = {}): Identify {
  return identify(nodeId, { capabilities, host: null, pid: null, nonce: NONCE });
}

/** What a node with this token answers to the challenge that followed its `bareIdentify`. */
export function proofOf(token: string, { nonce }: Challenge, whole: Identify): Proof {
  const { nodeId, capabilities } = whole;
  const exchange = { nodeNonce: NONCE, orchestratorNonce: nonce, nodeId, capabilities };
  const body = encodeMessage(whole).subarray(FRAME_HEADER_BYTES);
  return { kind: 'proof', mac: macOf(token, provenBytes(exchange, body)), identify: body };
}
