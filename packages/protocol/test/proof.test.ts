/** The bytes of a proof. Peers in other languages check theirs against the vectors here and in protocol.md. */
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { provenBytes } from '@dshard/protocol';
import type { Exchange } from '@dshard/protocol';

const EXCHANGE: Exchange = {
  nodeNonce: Uint8Array.from({ length: 32 }, (_, index) => index),
  orchestratorNonce: Uint8Array.from({ length: 32 }, (_, index) => 255 - index),
  nodeId: 'bot-1',
  capabilities: ['auth-hmac', 'heartbeat'],
};
const TOKEN = '0123456789abcdef0123456789abcdef';
const IDENTIFY = new TextEncoder().encode('the body of the whole Identify');

function hmac(bytes: Uint8Array): string {
  return createHmac('sha256', TOKEN).update(bytes).digest('hex');
}

/** A short text behind its length. */
function field(text: string): string {
  return `${Buffer.from([text.length, 0, 0, 0]).toString('hex')}${Buffer.from(text).toString('hex')}`;
}

describe('the bytes of a proof', () => {
  test('are these', () => {
    expect(Buffer.from(provenBytes(EXCHANGE, null)).toString('hex')).toBe(
      [
        field('dshard auth-hmac 1'),
        field('O'),
        '20000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
        '20000000fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0',
        field('bot-1'),
        '1a000000',
        field('auth-hmac'),
        field('heartbeat'),
      ].join(''),
    );
  });

  test('make these proofs with the token', () => {
    expect(hmac(provenBytes(EXCHANGE, null))).toBe('25c7e5bfe86f72b9ab319e99eabb370c7494df3b9ef99116888319b0eb6daf31');
    expect(hmac(provenBytes(EXCHANGE, IDENTIFY))).toBe(
      'a20d577a9a121bcaefaa99dcdc3dad4db66d7db32f6d8723d28d494d2e30921f',
    );
  });

  const text = fc.string({ maxLength: 8 });
  const nonce = fc.uint8Array({ minLength: 2, maxLength: 2 });
  const said = fc.record({
    exchange: fc.record({
      nodeNonce: nonce,
      orchestratorNonce: nonce,
      nodeId: text,
      capabilities: fc.array(text, { maxLength: 3 }),
    }),
    identify: fc.option(fc.uint8Array({ maxLength: 8 })),
  });

  test('are those of one exchange and one role only: no field can flow into the next one', () => {
    fc.assert(
      fc.property(said, said, (one, other) => {
        const same = Buffer.from(provenBytes(one.exchange, one.identify)).equals(
          provenBytes(other.exchange, other.identify),
        );
        expect(same).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each<[string, Partial<Exchange>]>([
    ['the nonces change places', { nodeNonce: EXCHANGE.orchestratorNonce, orchestratorNonce: EXCHANGE.nodeNonce }],
    ['letters move from one capability to the next', { capabilities: ['auth-hmach', 'eartbeat'] }],
    ['a capability is taken out', { capabilities: ['auth-hmac'] }],
    ['a capability becomes the node id', { nodeId: 'bot-1auth-hmac', capabilities: ['heartbeat'] }],
  ])('are others when %s', (_, change) => {
    expect(hmac(provenBytes({ ...EXCHANGE, ...change }, null))).not.toBe(hmac(provenBytes(EXCHANGE, null)));
  });
});
