/**
 * How the sources of all packages hang together: by layer in the orchestrator's domain, and without a cycle of folders
 * anywhere.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const PACKAGES = join(import.meta.dirname, '..', '..');

type Arrow = { readonly from: string; readonly to: string };

/** Which file imports which, by their paths below `root`. Types count, too: they bind just as much. */
function arrowsOf(root: string): Arrow[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.flatMap((from) =>
    [...readFileSync(join(root, from), 'utf8').matchAll(/(?:from|import) ?\(?'(\.[^']+)\.js'/g)].map(([, path]) => ({
      from,
      to: normalize(join(dirname(from), `${path}.ts`)),
    })),
  );
}

/** What a folder consists of, as seen from there: its files and its folders. null: elsewhere. */
function roomOf(folder: string, file: string): string | null {
  const [room = ''] = relative(folder, file).split(sep);
  return room === '..' ? null : room;
}

/** The rooms of a folder from which one comes back to a folder by its imports. */
function cyclesIn(folder: string, arrows: readonly Arrow[]): string[] {
  const leadsTo = new Map<string, Set<string>>();
  for (const { from, to } of arrows) {
    const [a, b] = [roomOf(folder, from), roomOf(folder, to)];
    if (a === null || b === null || a === b) continue;
    leadsTo.set(a, (leadsTo.get(a) ?? new Set()).add(b));
  }
  const reach = (start: string): Set<string> => {
    const seen = new Set<string>();
    const open = [...(leadsTo.get(start) ?? [])];
    for (let room = open.pop(); room !== undefined; room = open.pop()) {
      if (seen.has(room)) continue;
      seen.add(room);
      open.push(...(leadsTo.get(room) ?? []));
    }
    return seen;
  };
  return [...leadsTo.keys()].filter((room) => !room.endsWith('.ts') && reach(room).has(room));
}

function foldersOf(arrows: readonly Arrow[]): string[] {
  const folders = new Set(['.']);
  for (const { from } of arrows) for (let at = dirname(from); at !== '.'; at = dirname(at)) folders.add(at);
  return [...folders];
}

const sources = readdirSync(PACKAGES)
  .map((name) => ({ name, root: join(PACKAGES, name, 'src') }))
  .filter(({ root }) => existsSync(root));

test.each(sources)('no folder of $name imports from another one that leads back to it', ({ root }) => {
  const arrows = arrowsOf(root);
  expect(arrows.length).toBeGreaterThan(0);
  const cycles = foldersOf(arrows).flatMap((folder) => cyclesIn(folder, arrows).map((room) => join(folder, room)));
  expect(cycles).toEqual([]);
});

test('a cycle of folders is found, however long it is, and inside a folder as well', () => {
  const arrows = [
    { from: 'a/one.ts', to: 'b/two.ts' },
    { from: 'b/three.ts', to: 'c/d/four.ts' },
    { from: 'c/e/five.ts', to: 'a/six.ts' },
    { from: 'c/d/four.ts', to: 'c/e/five.ts' },
    { from: 'c/e/seven.ts', to: 'c/d/eight.ts' },
    { from: 'main.ts', to: 'a/one.ts' },
  ];
  expect(cyclesIn('.', arrows).sort()).toEqual(['a', 'b', 'c']);
  expect(cyclesIn('c', arrows).sort()).toEqual(['d', 'e']);
  expect(cyclesIn('.', arrows.slice(0, 2))).toEqual([]);
});

describe('the domain of the orchestrator', () => {
  const LAYERS = ['state', 'shards', 'migration', 'fleet', 'operations'];
  const arrows = arrowsOf(join(PACKAGES, 'orchestrator', 'src', 'domain'));
  const layerOf = (file: string): string => (file.includes(sep) ? (roomOf('.', file) ?? '') : 'on top');
  const between = arrows
    .map(({ from, to }) => ({ from, to, own: layerOf(from), other: layerOf(to) }))
    .filter(({ own, other, to }) => own !== other && !to.startsWith('..'));

  /** Who asked for an operation with an idempotency key is remembered together with the operation. */
  const besides = (layer: string): string[] => (layer === 'operations' ? ['access'] : []);

  test.each(LAYERS.map((layer, index) => ({ layer, below: [...LAYERS.slice(0, index), ...besides(layer)] })))(
    '$layer imports from $below only',
    ({ layer, below }) => {
      const wrong = between.filter(({ own, other }) => own === layer && !below.includes(other));
      expect(wrong).toEqual([]);
    },
  );

  test.each(['access', 'calls', 'durable', 'jobs', 'trace'])(
    '%s, beside the layers, imports from state only',
    (beside) => {
      const arrowsOut = between.filter(({ own }) => own === beside);
      expect(arrowsOut.length).toBeGreaterThan(0);
      expect(arrowsOut.filter(({ other }) => other !== 'state')).toEqual([]);
    },
  );

  test('alarms read the state, its shards and its operations, and nothing in the domain reads them: no decision depends on an alarm', () => {
    const readers = between.filter(({ other }) => other === 'alarms');
    const read = between.filter(({ own }) => own === 'alarms').map(({ other }) => other);
    expect(readers).toEqual([]);
    expect([...new Set(read)].toSorted()).toEqual(['operations', 'shards', 'state']);
  });
});
