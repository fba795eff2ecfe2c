/**
 * Blocks that become bars by the width there is: one block for each shard as long as blocks can be seen and pointed at,
 * else one bar whose parts are as wide as their share. The total is fixed either way, so that what is missing shows as
 * a hole and not as a shorter bar.
 */

export type Share<Kind extends string> = { readonly kind: Kind; readonly count: number };

export type Blocks<Kind extends string> =
  | { readonly as: 'blocks'; readonly size: number; readonly gap: number; readonly blocks: readonly Kind[] }
  | { readonly as: 'bar'; readonly parts: readonly (Share<Kind> & { readonly width: number })[] };

/** Smaller blocks cannot be pointed at. */
const SMALLEST = 8;
const LARGEST = 22;
/** A part of a bar that is there is seen, however small its share. */
const THINNEST = 3;

/**
 * @param shares in the order in which they stand.
 * @param hole what fills what is missing up to `total`.
 */
export function blocksOrBar<Kind extends string>(
  shares: readonly Share<Kind>[],
  { total, width, hole }: { total: number; width: number; hole: Kind },
): Blocks<Kind> {
  const filled = shares.filter(({ count }) => count > 0);
  const missing = total - filled.reduce((sum, { count }) => sum + count, 0);
  const whole = missing > 0 ? [...filled, { kind: hole, count: missing }] : filled;
  const places = whole.reduce((sum, { count }) => sum + count, 0);
  const room = places === 0 ? 0 : width / places;
  if (places > 0 && room >= SMALLEST + 2) {
    const gap = room >= 14 ? 3 : 2;
    const size = Math.min(LARGEST, Math.floor(room - gap));
    return { as: 'blocks', size, gap, blocks: whole.flatMap(({ kind, count }) => Array<Kind>(count).fill(kind)) };
  }
  return { as: 'bar', parts: withWidths(whole, places, width) };
}

function withWidths<Kind extends string>(
  shares: readonly Share<Kind>[],
  places: number,
  width: number,
): readonly (Share<Kind> & { readonly width: number })[] {
  const thin = shares.filter(({ count }) => (count / places) * width < THINNEST);
  const left = Math.max(0, width - thin.length * THINNEST);
  const others = places - thin.reduce((sum, { count }) => sum + count, 0);
  return shares.map((share) => ({
    ...share,
    width: thin.includes(share) ? THINNEST : others === 0 ? 0 : (share.count / others) * left,
  }));
}
