/** Proofs that a peer knows the shared token: HMAC-SHA-256, with the token as the key. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** @param bytes of `provenBytes`. */
export function macOf(token: string, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', token).update(bytes).digest();
}

/** Takes the same time for every wrong `mac`. */
export function isMacOf(token: string, bytes: Uint8Array, mac: Uint8Array): boolean {
  const right = macOf(token, bytes);
  return mac.length === right.length && timingSafeEqual(mac, right);
}
