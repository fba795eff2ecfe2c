import { describe, expect, test } from 'vitest';
import { layoutPlot } from '../../src/model/plot.js';
import { Recorder, sparkOf, STEP_MS } from '../../src/model/series.js';
import { NOW, snapshotOf } from './snapshots.js';

const at = (now: number, rate: number, id = 'web-1') =>
  snapshotOf(
    [{ id }],
    [
      { node: id, rate },
      { node: null, condition: 'vacant', rate: -1 },
    ],
    { now },
  );

describe('figures over time', () => {
  test('take a point every few seconds, and no more', () => {
    const recorder = new Recorder();
    expect(recorder.take(at(NOW, 1))).toBe(true);
    expect(recorder.take(at(NOW + STEP_MS / 2, 2))).toBe(false);
    expect(recorder.take(at(NOW + STEP_MS, 3))).toBe(true);
    expect(recorder.fleet()).toEqual({ at: [NOW, NOW + STEP_MS], of: { events: [1, 3], up: [1, 1] } });
    expect(recorder.shard(0).of.events).toEqual([1, 3]);
    expect(recorder.shard(1).of.events).toEqual([null, null]);
  });

  test('have a gap where the stream was lost', () => {
    const recorder = new Recorder();
    recorder.take(at(NOW, 1));
    recorder.take(at(NOW + 100 * STEP_MS, 2));
    expect(recorder.fleet().of.events).toEqual([1, null, 2]);
  });

  test('of nodes that come later begin when they come, and all columns are as long as the times', () => {
    const recorder = new Recorder();
    recorder.take(at(NOW, 1));
    recorder.take(at(NOW + STEP_MS, 1, 'web-2'));
    expect(recorder.node('web-2').of.shards).toEqual([null, 1]);
    expect(recorder.node('web-1').of.shards).toEqual([1, null]);
  });

  test('are kept for a while only', () => {
    const recorder = new Recorder();
    for (let step = 0; step < 1_000; step += 1) recorder.take(at(NOW + step * STEP_MS, step));
    const { at: times, of } = recorder.fleet();
    expect(times).toHaveLength(900);
    expect([of.events[0], of.events.at(-1)]).toEqual([100, 999]);
    expect(recorder.node('web-1').of.shards).toHaveLength(900);
  });

  test('are drawn without a line over a gap, on a scale of round numbers', () => {
    const times = [0, 10, 20, 30, 40].map((second) => NOW + second * 1_000);
    const { line, ticks } = layoutPlot(times, [1, 2, null, 7, 8], { width: 400, height: 100, left: 40, bottom: 20 });
    expect(line.match(/M/g)).toHaveLength(2);
    expect(ticks.map(({ value }) => value)).toEqual([0, 5, 10]);
  });

  test('are scaled to the largest for a line without axes', () => {
    expect(sparkOf([1, null, 4], 2)).toEqual([null, 1]);
  });
});
