/** What of the handshake needs the shared token (session/trust.ts). Nobody but this class knows the token. */
import { encodeMessage, FRAME_HEADER_BYTES, NONCE_BYTES, provenBytes, type Proof } from '@dshard/protocol';
import { isMacOf, macOf, type Random } from '@dshard/transport';
import type { NodeEffect } from './session/effects.js';
import type { NodeEvent } from './session/events.js';

type EffectOf<K extends NodeEffect['kind']> = Extract<NodeEffect, { kind: K }>;

export class TokenProof {
  readonly #token: string | null;
  readonly #random: Random;

  constructor({ token, random }: { token: string | null; random: Random }) {
    this.#token = token;
    this.#random = random;
  }

  /** One for each connection: a proof is good for no other. null: there is no token. */
  drawNonce(): Uint8Array | null {
    return this.#token === null ? null : this.#random.bytes(NONCE_BYTES);
  }

  checked({ connection, exchange, mac }: EffectOf<'checkChallenge'>): NodeEvent {
    const isRight = this.#token !== null && isMacOf(this.#token, provenBytes(exchange, null), mac);
    return { kind: 'challengeChecked', connection, isRight };
  }

  of({ exchange, message }: EffectOf<'prove'>): Proof {
    const identify = encodeMessage(message).subarray(FRAME_HEADER_BYTES);
    return { kind: 'proof', mac: macOf(this.#token ?? '', provenBytes(exchange, identify)), identify };
  }
}
