import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import type { HistoryEntry } from '../../src/domain/state/effects.js';
import { History } from '../../src/runtime/history.js';
import { recordingLogger } from '../recording-logger.js';

const entry = (text: string, level: HistoryEntry['level'] = 'info'): HistoryEntry => ({
  name: 'nodeJoined',
  level,
  text,
  by: 'automatic',
  fields: { node: 'web-1' },
});

function history() {
  const logger = recordingLogger();
  const clock = virtualClock(1_000);
  return { logger, clock, history: new History(clock, logger) };
}

test('an entry is logged at its level with its fields, kept, and told', () => {
  const { history: kept, logger } = history();
  const heard: unknown[] = [];
  kept.onEntry((recorded) => heard.push(recorded));
  kept.record(entry('Node web-1 joined.', 'warn'));
  const recorded = { ...entry('Node web-1 joined.', 'warn'), id: 1, at: 1_000 };
  expect(kept.all()).toEqual([recorded]);
  expect(heard).toEqual([recorded]);
  expect(logger.lines).toEqual([
    { level: 'warn', fields: { event: 'nodeJoined', node: 'web-1' }, message: 'Node web-1 joined.' },
  ]);
});

test('the newest 2,000 entries are kept, oldest first', () => {
  const { history: kept } = history();
  for (let i = 1; i <= 2_010; i++) kept.record(entry(`${i}`));
  expect(kept.all()).toHaveLength(2_000);
  expect(kept.all().map(({ id }) => id)).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 11));
});

test('a listener that throws harms neither the others nor us; one that left hears nothing', () => {
  const { history: kept, logger } = history();
  const heard: string[] = [];
  kept.onEntry(() => {
    throw new Error('broken listener');
  });
  const listener = ({ text }: HistoryEntry): void => void heard.push(text);
  const leave = kept.onEntry(listener);
  kept.onEntry(listener);
  kept.record(entry('one'));
  leave();
  leave();
  kept.record(entry('two'));
  expect(heard).toEqual(['one', 'one', 'two']);
  expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
  expect(logger.lines.at(-1)?.message).toContain('broken listener');
});

test('what an operator asked for stays, however much happens by itself and whatever strangers do', () => {
  const { history: kept } = history();
  kept.record({ ...entry('Alice drained web-1.'), by: 'alice@laptop' });
  for (let i = 0; i < 5_000; i++) {
    kept.record(entry(`${i}`));
    kept.recordStranger(entry(`A stranger, ${i}`));
  }
  const texts = kept.all().map(({ text }) => text);
  expect(texts[0]).toBe('Alice drained web-1.');
  expect(texts.filter((text) => text.startsWith('A stranger'))).toHaveLength(200);
  expect(texts).toHaveLength(1 + 2_000 + 200);
  expect(kept.all().map(({ id }) => id)).toEqual(
    kept
      .all()
      .map(({ id }) => id)
      .sort((a, b) => a - b),
  );
});

test('what was dropped is read from the store, and nothing of it is left out because strangers came between', async () => {
  const { history: kept } = history();
  for (let i = 0; i < 2_500; i++) {
    kept.record(entry(`${i}`));
    if (i % 2 === 0) kept.recordStranger(entry('A stranger'));
  }
  const asked: unknown[] = [];
  const store = async (query: { after: number | null; limit: number }) => {
    asked.push(query);
    return { ok: true as const, entries: [] };
  };
  await kept.past(0, 10, store);
  expect(asked).toEqual([{ after: 0, limit: 10 }]);
  const first = kept.all()[300]?.id ?? 0;
  expect(await kept.past(first, 10, store)).toHaveLength(10);
  expect(asked).toHaveLength(1);
});
