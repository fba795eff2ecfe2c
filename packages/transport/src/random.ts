/** Randomness, injected like time: the same seed gives the same run. */
export type Random = {
  /** A number in [0, 1). */
  next(): number;
};
