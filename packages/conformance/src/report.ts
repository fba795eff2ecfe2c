/** What the suite found, as lines, as JSON and as the matrix of the documentation. */
import type { Case } from './cases.js';
import type { Library } from './libraries.js';
import type { Result } from './suite.js';

export type Summary = {
  /** Nothing failed that the library is not itself to blame for. */
  ok: boolean;
  libraries: Record<string, { version: string; passed: number; failed: number; libraryFault: number }>;
};

const marks = { passed: '✔', libraryFault: '△', failed: '✘' } as const;

export function lineOf({ library, case: one, outcome, seconds }: Result): string {
  const head = `${marks[outcome.kind]} ${library.name} ${library.version}: ${one.title} (${seconds.toFixed(1)} s)`;
  switch (outcome.kind) {
    case 'passed':
      return outcome.note === undefined ? head : `${head}, ${outcome.note}`;
    case 'libraryFault':
      return `${head}\n    the library's own fault: ${outcome.fault.does} (${outcome.fault.place})\n    ${outcome.problem}`;
    case 'failed':
      return `${head}\n    ${outcome.problem}`;
  }
}

export function summaryOf(results: readonly Result[]): Summary {
  const libraries: Summary['libraries'] = {};
  for (const { library, outcome } of results) {
    const counts = (libraries[library.name] ??= { version: library.version, passed: 0, failed: 0, libraryFault: 0 });
    counts[outcome.kind] += 1;
  }
  return { ok: results.length > 0 && results.every(({ outcome }) => outcome.kind !== 'failed'), libraries };
}

/** The page `docs/reference/conformance.md`. */
export function matrixOf(results: readonly Result[], libraries: readonly Library[], cases: readonly Case[]): string {
  const found = (library: Library, one: Case): Result | undefined =>
    results.find((result) => result.library.name === library.name && result.case.name === one.name);
  const notes: string[] = [];
  const aside = libraries.flatMap(({ name, note }) => (note === null ? [] : [`${name}: ${note}.`])).join('\n\n');
  // Column by column, so that a library's notes follow each other.
  const cell = (library: Library, one: Case): string => {
    const outcome = found(library, one)?.outcome;
    if (outcome === undefined) return '–';
    if (outcome.kind === 'failed') return 'failed';
    const text = outcome.kind === 'passed' ? outcome.note : `${outcome.fault.does} (\`${outcome.fault.place}\`)`;
    const mark = outcome.kind === 'passed' ? 'passed' : 'own fault';
    if (text === undefined) return mark;
    const note = `${library.name} ${text}.`;
    if (!notes.includes(note)) notes.push(note);
    return `${mark} [${notes.indexOf(note) + 1}]`;
  };
  const columns = libraries.map((library) => cases.map((one) => cell(library, one)));
  const rows = cases.map(({ title }, row) => [title, ...columns.map((column) => column[row] ?? '–')]);
  const head = ['case', ...libraries.map(({ name, version }) => `${name} ${version}`)];
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
  return `# Conformance

Unmodified Discord libraries against the gateway emulator, each in a process of its own. Written by \`npm run conformance -- --write\`; do
not edit. Where a library does not get through by its own fault, the note says what it does and where its source does it.

${table}

${aside}

${notes.map((note, index) => `${index + 1}. ${note}`).join('\n')}
`;
}
