/** What became of each version, as lines, as JSON and as the page of the documentation. */
import { inRange } from './candidates.js';
import type { Verdict } from './try-version.js';

export type Tried = { readonly version: string; readonly verdict: Verdict; readonly seconds: number };

export type Summary = {
  ok: boolean;
  range: string;
  versions: Record<string, Verdict['kind']>;
};

/** Versions that do not work by themselves, with or without us. */
const OWN_FAULTS: Readonly<Record<string, string>> = {
  '14.10.0': 'does not work by itself: whatever is sent by REST fails with "isJSONEncodable is not a function"',
};

/** What is wrong with it: a version of the range has to pass, any other has to be refused by name. */
export function faultOf({ version, verdict }: Tried, range: string): string | null {
  if (inRange(version, range)) return verdict.kind === 'passed' ? null : `it is in the range ${range}`;
  switch (verdict.kind) {
    case 'refused':
      return null;
    case 'passed':
      return `it is not in the range ${range}, and could be`;
    case 'failed':
      return version in OWN_FAULTS ? null : 'it should have been refused by name';
  }
}

export function lineOf(tried: Tried, range: string): string {
  const { version, verdict, seconds } = tried;
  const fault = faultOf(tried, range);
  const head = `${fault === null ? '✔' : '✘'} ${version}: ${verdict.kind} (${seconds.toFixed(0)} s)`;
  return [head, ...(fault === null ? [] : [fault]), ...wordsOf(verdict)].join('\n    ');
}

export function summaryOf(tried: readonly Tried[], range: string): Summary {
  return {
    ok: tried.length > 0 && tried.every((one) => faultOf(one, range) === null),
    range,
    versions: Object.fromEntries(tried.map(({ version, verdict }) => [version, verdict.kind])),
  };
}

/** The page `docs/reference/discordjs-versions.md`. */
export function pageOf(tried: readonly Tried[], range: string): string {
  const rows = tried.map(({ version, verdict }) => {
    const what = verdict.kind === 'refused' ? verdict.sentence : (OWN_FAULTS[version] ?? '');
    return `| ${version} | ${verdict.kind === 'passed' ? '✔' : verdict.kind} | ${what} |`;
  });
  return `# Versions of discord.js

\`@dshard/node/discordjs\` works with discord.js \`${range}\`, which its peer range says as well. Any other version is refused at \`login()\`, before
anything connects, with \`DSO_DISCORDJS_UNSUPPORTED\` and what that version lacks.

Written by \`npm run discordjs:versions -- --write\`; do not edit. Each version is installed in a fresh project beside our packages as npm packs them, and its
bot runs under \`dso up\` on two nodes against the gateway emulator: it answers a slash command, is rolled out while people talk, and rolled out again. Passed
means that every message was handled once and in order, that every field of its caches is the same after the rollout, and that no shard identified again.

| version | | what it lacks |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function wordsOf(verdict: Verdict): readonly string[] {
  switch (verdict.kind) {
    case 'passed':
      return [];
    case 'refused':
      return [verdict.sentence];
    case 'failed':
      return verdict.problem.split('\n');
  }
}
