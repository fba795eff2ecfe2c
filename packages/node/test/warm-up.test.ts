/**
 * What a host is asked before a shard leaves and before one comes, by the node's runtime, under a clock that stands
 * still.
 */
import { expect, describe, test } from 'vitest';
import type { LeavingHow } from '../src/index.js';
import { SESSION } from './fake-host.js';
import { close, world } from './node-world.js';

const of = { migrationId: 'm1', shardId: 3 };

describe('a shard that is to leave', () => {
  async function leaving(patienceMs: number) {
    const made = await world(undefined, { patienceMs: 60_000 });
    let how: LeavingHow | null = null;
    let finish: () => void = () => undefined;
    Object.assign(made.host, {
      leaving: (shardId: number, given: LeavingHow) => {
        made.host.calls.push(`leaving ${shardId} ${given.patienceMs}`);
        how = given;
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
      stays: (shardId: number) => void made.host.calls.push(`stays ${shardId}`),
    });
    await made.start();
    await made.say({ kind: 'startShards', shardIds: [3] });
    await made.say({ kind: 'shardLeaving', ...of, patienceMs });
    const answers = (): number => made.orchestrator.peer.of('shardMayLeave').length;
    return { ...made, answers, finish: () => finish(), signal: () => how?.signal };
  }

  test('may go when user code has finished', async () => {
    const { node, host, clock, answers, finish, signal } = await leaving(30_000);
    expect(host.calls.at(-1)).toBe('leaving 3 30000');
    await clock.run(20_000);
    expect(answers()).toBe(0);
    finish();
    await clock.run(10);
    expect(answers()).toBe(1);
    expect(signal()?.aborted).toBe(false);
    await close(node, clock);
  });

  test('may go when the patience is over, and user code hears of it', async () => {
    const { node, clock, answers, signal } = await leaving(30_000);
    await clock.run(30_000);
    expect(answers()).toBe(1);
    expect(signal()?.reason).toMatchObject({ code: 'DSO_PATIENCE_OVER' });
    await close(node, clock);
  });

  test('goes at once when it is told so again', async () => {
    const { node, clock, say, answers } = await leaving(30_000);
    await say({ kind: 'shardLeaving', ...of, patienceMs: 0 });
    expect(answers()).toBe(1);
    await close(node, clock);
  });

  test('stays when the migration is aborted, and user code hears of it', async () => {
    const { node, host, clock, say, answers, signal } = await leaving(30_000);
    await say({ kind: 'transferAbort', ...of, reason: 'the drain was cancelled' });
    expect(signal()?.reason).toMatchObject({ code: 'DSO_TRANSFER_CANCELLED' });
    expect(host.calls.at(-1)).toBe('stays 3');
    expect(answers()).toBe(0);
    await close(node, clock);
  });

  test('is not kept by a host that throws, which is logged', async () => {
    const made = await world();
    Object.assign(made.host, {
      leaving: () => {
        throw new Error('no player');
      },
    });
    await made.start();
    await made.say({ kind: 'startShards', shardIds: [3] });
    await made.say({ kind: 'shardLeaving', ...of, patienceMs: 0 });
    expect(made.orchestrator.peer.of('shardMayLeave')).toHaveLength(1);
    expect(made.logged).toContain('leaving of shard 3 failed, and it leaves all the same: no player');
    await close(made.node, made.clock);
  });
});

describe('a shard that comes', () => {
  async function warming(host: Record<string, () => unknown>) {
    const made = await world();
    Object.assign(made.host, host);
    await made.start();
    await made.say({ kind: 'transferOpen', ...of, role: 'destination', session: SESSION, freezeTimeoutMs: 0 });
    await made.say({ kind: 'transferWarmUp', ...of, session: SESSION });
    const { peer } = made.orchestrator;
    return { ...made, isWarm: () => peer.of('transferWarm').length, failures: () => peer.of('transferFailed') };
  }

  test('is connected for when user code is ready, and not before', async () => {
    const calls: string[] = [];
    let ready: () => void = () => undefined;
    const { node, clock, isWarm } = await warming({
      warm: () => {
        calls.push('warm');
        return new Promise<void>((resolve) => {
          ready = resolve;
        });
      },
      preconnect: () => calls.push('preconnect'),
    });
    await clock.run(5_000);
    expect([calls, isWarm()]).toEqual([['warm'], 0]);
    ready();
    await clock.run(10);
    expect([calls, isWarm()]).toEqual([['warm', 'preconnect'], 1]);
    await close(node, clock);
  });

  test.each(['warm', 'preconnect'])('does not come when %s fails: the origin has it all the while', async (method) => {
    const { node, host, clock, isWarm, failures } = await warming({ [method]: () => Promise.reject(new Error('no')) });
    expect(failures()).toMatchObject([{ step: 'transferWarmUp', reason: expect.stringContaining('no') }]);
    expect(isWarm()).toBe(0);
    expect(host.calls).toContain('abortTransferTo 3');
    await close(node, clock);
  });

  test('does not come to a host that never gets ready', async () => {
    const { node, clock, failures } = await warming({ warm: () => new Promise(() => undefined) });
    await clock.run(9_000);
    expect(failures()).toEqual([]);
    await clock.run(1_000);
    expect(failures()[0]?.reason).toContain('warm within 10000 ms (timeouts.readyMs of the host');
    await close(node, clock);
  });

  test('needs nothing of a host that has neither: it is warm at once', async () => {
    const { node, clock, isWarm } = await warming({});
    expect(isWarm()).toBe(1);
    await close(node, clock);
  });
});
