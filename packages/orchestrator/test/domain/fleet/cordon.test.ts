import { describe, expect, test } from 'vitest';
import { fleetOn, shardsOn } from './hosts.js';

const TWO = { h1: ['a', 'b'], h2: ['c', 'd'] };

/** All nodes of h2 give their shards away. */
const drain = {
  kind: 'drain',
  origins: [],
  host: 'h2',
  destination: null,
  shutdown: false,
  deadline: null,
} as const;

describe('a host that is cordoned', () => {
  test('gives up its shards in a drain, and gets none back, nor do nodes that join from it later', () => {
    const world = fleetOn(TWO, { rebalance: 'join' });
    expect(world.ask({ kind: 'cordonHost', host: 'h2' })).toMatchObject({ ok: true, data: { nodes: ['c', 'd'] } });
    const asked = world.command({ kind: 'startOperation', plan: drain, answer: 'ended' });
    world.pass(60_000);
    expect(world.replies.get(asked)).toMatchObject({ ok: true, data: { moved: 4, origin: 'c, d' } });
    world.join({ id: 'e', host: 'h2' });
    world.pass(60_000);
    expect(world.truth()).toEqual({ a: expect.any(Array), b: expect.any(Array) });
    expect(shardsOn(world, 'a', 'b')).toEqual([...Array(8).keys()]);
  });

  test('stays so over a restart of the orchestrator, and while none of its nodes is there', () => {
    const world = fleetOn(TWO);
    world.ask({ kind: 'cordonHost', host: 'h2' });
    for (const id of ['c', 'd']) world.kill(world.nodes.get(id)!);
    world.pass(120_000);
    expect(world.state.nodes.has('c')).toBe(false);
    world.crash();
    for (const id of ['a', 'b']) world.connect(world.nodes.get(id)!);
    world.pass(60_000);
    world.join({ id: 'e', host: 'h2' });
    world.kill(world.nodes.get('a')!);
    world.pass(60_000);
    expect(world.truth()).toEqual({ b: [...Array(8).keys()] });
    expect(world.recorded('hostCordoned')).toMatchObject([{ by: 'alice', fields: { host: 'h2', nodes: ['c', 'd'] } }]);
  });

  test('takes shards again when it is uncordoned; a node that is cordoned by itself does not', () => {
    const world = fleetOn(TWO);
    world.ask({ kind: 'cordonNode', node: 'd' });
    world.ask({ kind: 'cordonHost', host: 'h2' });
    expect(world.ask({ kind: 'uncordonHost', host: 'h2' })).toMatchObject({
      ok: true,
      message: 'The nodes of host h2 take shards again. Cordoned by themselves, and still so: d.',
    });
    for (const id of ['a', 'b']) world.kill(world.nodes.get(id)!);
    world.pass(60_000);
    expect(world.truth()).toEqual({ c: [0, 1, 2, 3, 4, 5], d: [6, 7] });
    expect(world.state.hosts.size).toBe(0);
  });

  test('is named to whoever uncordons one of its nodes', () => {
    const world = fleetOn(TWO);
    world.ask({ kind: 'cordonHost', host: 'h2' });
    expect(world.ask({ kind: 'uncordonNode', node: 'c' })).toMatchObject({
      error: { code: 'DSO_HOST_CORDONED', message: expect.stringContaining('dso uncordon --host h2') },
    });
  });

  test('is the target of no rebalance', () => {
    const world = fleetOn({ h1: ['a'], h2: ['c'] });
    world.ask({ kind: 'cordonHost', host: 'h2' });
    world.join({ id: 'd', host: 'h2' });
    const asked = world.command({ kind: 'startOperation', plan: { kind: 'rebalance' }, answer: 'ended' });
    world.pass(60_000);
    expect(world.replies.get(asked)).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ a: [0, 1], c: [2, 3] });
  });

  test('is cordoned twice without a word, and refused where nobody has named it', () => {
    const world = fleetOn(TWO);
    for (let times = 0; times < 2; times += 1) world.ask({ kind: 'cordonHost', host: 'h2' });
    expect(world.recorded('hostCordoned')).toHaveLength(1);
    expect(world.ask({ kind: 'uncordonHost', host: 'h9' })).toMatchObject({ error: { code: 'DSO_UNKNOWN_HOST' } });
  });

  test('of which no node is connected has nothing to drain', () => {
    const world = fleetOn(TWO);
    world.ask({ kind: 'cordonHost', host: 'h2' });
    for (const id of ['c', 'd']) world.kill(world.nodes.get(id)!);
    expect(world.ask({ kind: 'startOperation', plan: drain, answer: 'ended' })).toMatchObject({
      ok: true,
      message: 'No node of host h2 is connected: it has no shards.',
    });
  });
});
