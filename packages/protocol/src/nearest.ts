/** Finds the known name somebody probably meant. */

/** Edits (insert, delete, replace, swap of neighbours) between two short texts. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + cost);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/** Longer than any name we know: not a misspelling. Keeps the work bounded whatever is written. */
const MAX_LENGTH = 80;

/**
 * The nearest of `known` to `written`, or null when none is near. Dotted names are also compared by their last part, so
 * that `bot` finds `launcher.bot`.
 */
export function nearest(written: string, known: Iterable<string>): string | null {
  if (written.length > MAX_LENGTH) return null;
  const wanted = written.toLowerCase();
  const wantedTail = wanted.slice(wanted.lastIndexOf('.') + 1);
  let best: { name: string; score: number } | null = null;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const tail = candidate.slice(candidate.lastIndexOf('.') + 1);
    // The whole name counts more than its tail, so that of two equal tails the one in the right section wins.
    const whole = distance(wanted, candidate);
    const score = Math.min(whole, distance(wantedTail, tail) + 0.5) + whole / 1000;
    if (best === null || score < best.score) best = { name, score };
  }
  const limit = Math.max(1.9, wantedTail.length / 3 + 0.6);
  return best !== null && best.score <= limit ? best.name : null;
}
