/** Parts of a shard's caches, a few in each user event. */
import { expect, test } from 'vitest';
import type { StatePart } from '../../../src/hosts/discordjs/shard-state.js';
import { partsOf, StateFrames } from '../../../src/hosts/discordjs/state-frames.js';

function part(characters: number): StatePart {
  return { kind: 'unavailable', guildId: '1'.repeat(characters) };
}

test.each([
  ['nothing', [], []],
  ['one small', [10], [1]],
  ['many small ones together', Array<number>(20).fill(100), [20]],
  ['as many as a frame holds', Array<number>(8).fill(40_000), [3, 3, 2]],
  ['a large one, alone', [10, 400_000, 10], [1, 1, 1]],
])('parts are put into as few frames as hold them: %s', async (_, sizes, perFrame) => {
  const parts = sizes.map(part);
  const sent: Uint8Array[] = [];
  const frames = new StateFrames((frame) => Promise.resolve(void sent.push(frame)));
  for (const each of parts) await frames.add(each);
  await frames.flush();
  await frames.flush();
  expect(sent.map((frame) => partsOf(frame).length)).toEqual(perFrame);
  expect(sent.flatMap(partsOf)).toEqual(parts);
});

test('a frame of the format that had one part per event is not taken', () => {
  expect(partsOf(Buffer.from(JSON.stringify(part(1))))).toEqual([]);
});
