/** Randomness, injected like time: the same seed gives the same run. */
import { randomBytes } from 'node:crypto';

export type Random = {
  /** A number in [0, 1). */
  next(): number;
  /** So many bytes, for nonces: nobody can guess them where the randomness is the real one. */
  bytes(length: number): Uint8Array;
};

/** Randomness that a seed replays (mulberry32): good enough for jitter, faults and made-up worlds, not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
}

/** The real randomness. Everybody else takes a `Random`, so that a seed replays a run. */
export function systemRandom(): Random {
  return { next: () => Math.random(), bytes: (length) => randomBytes(length) };
}
