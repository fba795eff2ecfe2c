/**
 * The orchestrator's half of the proof that both sides know the shared token (docs/reference/protocol.md). Whether a
 * proof is right is found out here; what follows from it is for the domain to say.
 */
import { decodeMessage, EVENT_IDS, NONCE_BYTES, provenBytes } from '@dshard/protocol';
import type { Challenge, Exchange, Identify, Proof } from '@dshard/protocol';
import { isMacOf, macOf, type Random } from '@dshard/transport';

/** A node that said that it has a token, and is to prove it. */
export type Challenged = {
  readonly challenge: Challenge;
  /** What the node says of itself: of one whose proof is wrong, only what it had said before. */
  check(this: void, proof: Proof): { isRight: boolean; identify: Identify };
};

/** @param nodeNonce of the first Identify. */
export function challengedBy(token: string, nodeNonce: Uint8Array, first: Identify, random: Random): Challenged {
  const { nodeId, capabilities } = first;
  const orchestratorNonce = random.bytes(NONCE_BYTES);
  const exchange: Exchange = { nodeNonce, orchestratorNonce, nodeId, capabilities };
  return {
    challenge: { kind: 'challenge', nonce: orchestratorNonce, mac: macOf(token, provenBytes(exchange, null)) },
    check({ mac, identify }) {
      if (!isMacOf(token, provenBytes(exchange, identify), mac)) return { isRight: false, identify: first };
      const whole = decodeMessage(EVENT_IDS.identify, identify);
      return { isRight: true, identify: whole.kind === 'identify' ? whole : first };
    },
  };
}
