/** The real randomness. Everybody else takes a `Random`, so that a seed replays a run. */
import type { Random } from './random.js';

export function systemRandom(): Random {
  return { next: () => Math.random() };
}
