/** Which versions of discord.js are tried: those of the peer range pass, all others are refused by name. */

export type Release = { readonly version: string; readonly numbers: readonly [number, number, number] };

const RELEASE = /^(\d+)\.(\d+)\.(\d+)$/;

/** Releases of `major`, oldest first; previews are left out. */
export function releasesOf(versions: readonly string[], major: number): readonly Release[] {
  return versions
    .flatMap((version) => {
      const [, ...numbers] = (RELEASE.exec(version) ?? []).map(Number);
      const [first, second, third] = numbers;
      if (first === undefined || second === undefined || third === undefined) return [];
      return [{ version, numbers: [first, second, third] as const }];
    })
    .filter(({ numbers }) => numbers[0] === major)
    .sort((a, b) => compare(a, b));
}

/** The first and the last release of each minor version. */
export function firstAndLast(releases: readonly Release[]): readonly Release[] {
  return releases.filter((release, index) => {
    const minor = (other: Release | undefined): number | undefined => other?.numbers[1];
    return minor(releases[index - 1]) !== minor(release) || minor(releases[index + 1]) !== minor(release);
  });
}

/** A range as our manifests have them: `^14.11.0`. */
export function inRange(version: string, range: string): boolean {
  const [low] = releasesOf([range.replace(/^\^/, '')], Number(/\d+/.exec(range)?.[0]));
  if (low === undefined) throw new Error(`${range} is no range of the form ^1.2.3.`);
  const [release] = releasesOf([version], low.numbers[0]);
  return release !== undefined && compare(low, release) <= 0;
}

/** Previews of the next major version are what is coming: the newest of them has to be refused by name. */
export function newestPreview(versions: readonly string[], major: number): readonly string[] {
  return versions.filter((version) => version.startsWith(`${major}.`) && version.includes('-')).slice(-1);
}

function compare(a: Release, b: Release): number {
  const at = a.numbers.findIndex((number, index) => number !== b.numbers[index]);
  return at < 0 ? 0 : Number(a.numbers[at]) - Number(b.numbers[at]);
}
