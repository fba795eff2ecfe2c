/** The node moves shards with their state, against an orchestrator of the test's own. */
import { UserEventRegistry } from '@dshard/protocol';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TransferContext } from '../src/index.js';
import { SESSION } from './fake-host.js';
import { BASE_LEVEL } from './fake-orchestrator.js';
import { world, close } from './node-world.js';

leakGuard({ beforeEach, afterEach });

describe('moving a shard with its state', () => {
  const sendGuilds =
    (count: number) =>
    async (_: number, { send }: TransferContext) => {
      for (let guild = 0; guild < count; guild++) {
        await send('guild', { guild });
      }
    };

  test('the origin sends everything, in order, and releases the shard, and says how many there were', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    host.behaviour.exportDelta = sendGuilds(500);
    await start();
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'prepareMigration', origin: true, shardId: 3, session: null });
    expect(orchestrator.peer.of('prepareMigration')).toEqual([
      { kind: 'prepareMigration', origin: true, shardId: 3, session: SESSION },
    ]);
    await say({ kind: 'startMigration', shardId: 3 });
    await clock.run(100);
    expect(orchestrator.peer.of('userEvent')).toHaveLength(500);
    expect(orchestrator.peer.received.at(-1)).toEqual({ kind: 'allUserDataSent', numEvents: 500 });
    expect(node.shards.has(3)).toBe(false);
    expect(host.calls.slice(-2)).toEqual(['release 3', 'released 3']);
    await close(node, clock);
  });

  test('a slow receiver slows the sender down: memory stays bounded', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    let sent = 0;
    host.behaviour.exportDelta = async (_: number, { send }: TransferContext) => {
      for (; sent < 1_000; sent++) {
        await send('guild', 'x'.repeat(10_000));
      }
    };
    await start();
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'prepareMigration', origin: true, shardId: 3, session: null });
    orchestrator.peer.pauseReading();
    await say({ kind: 'startMigration', shardId: 3 });
    await clock.run(1_000);
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThan(400);
    orchestrator.peer.resumeReading();
    await until(
      async () => {
        await clock.run(10);
        return !node.shards.has(3);
      },
      { what: 'the rest to be sent' },
    );
    expect(orchestrator.peer.of('userEvent')).toHaveLength(1_000);
    await close(node, clock);
  });

  test('the origin goes on with the shard when the connection is lost, and no event follows', async () => {
    const { node, host, orchestrator, start, say, reconnect, clock } = await world();
    let transfer: TransferContext | null = null;
    let result: Promise<void> = Promise.resolve();
    host.behaviour.exportDelta = (_: number, context: TransferContext) => {
      transfer = context;
      return new Promise<void>(() => undefined);
    };
    await start();
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'prepareMigration', origin: true, shardId: 3, session: null });
    await say({ kind: 'startMigration', shardId: 3 });
    await reconnect();
    const { send, signal } = transfer!;
    expect(signal.aborted).toBe(true);
    result = send('guild', 1);
    await expect(result).rejects.toMatchObject({ code: 'DSO_TRANSFER_CANCELLED' });
    expect(host.calls.at(-1)).toBe('unfreeze 3');
    expect(orchestrator.peer.of('identify')[0]?.runningShards).toEqual([3]);
    expect(orchestrator.peer.of('userEvent')).toEqual([]);
    await close(node, clock);
  });

  test('a host that waits for a connection that is gone is freed', async () => {
    const { node, host, orchestrator, start, say, reconnect, clock } = await world();
    let failure: unknown = null;
    host.behaviour.exportDelta = async (_: number, { send }: TransferContext) => {
      try {
        for (;;) {
          await send('guild', 'x'.repeat(100_000));
        }
      } catch (error) {
        failure = error;
        throw error;
      }
    };
    await start();
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'prepareMigration', origin: true, shardId: 3, session: null });
    orchestrator.peer.pauseReading();
    await say({ kind: 'startMigration', shardId: 3 });
    expect(failure).toBeNull();
    await reconnect();
    expect(failure).toMatchObject({ code: 'DSO_TRANSFER_CANCELLED' });
    await close(node, clock);
  });

  test('an event that is not registered fails the migration in words, and the shard goes on', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    host.behaviour.exportDelta = (_: number, { send }: TransferContext) => send('unknown', 1);
    await start();
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'prepareMigration', origin: true, shardId: 3, session: null });
    await say({ kind: 'startMigration', shardId: 3 });
    expect(orchestrator.peer.of('commandFailed')[0]?.message).toContain('unknown');
    expect(node.shards.get(3)).toBe('running');
    await close(node, clock);
  });

  test('the destination handles events one at a time, in order, then resumes', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    let running = 0;
    let most = 0;
    host.behaviour.handleUserEvent = async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    };
    await start();
    await say({ kind: 'prepareMigration', origin: false, shardId: 3, session: SESSION });
    const registry = new UserEventRegistry().register(100, 'guild');
    for (let guild = 0; guild < 300; guild++) {
      orchestrator.peer.send({ kind: 'userEvent', ...registry.encode('guild', guild) });
    }
    orchestrator.peer.send({ kind: 'allUserDataSent', numEvents: 300 });
    await until(
      async () => {
        await clock.run(10);
        return orchestrator.peer.of('startShards').length > 0;
      },
      { what: 'the shard to run' },
    );
    expect(host.userEvents).toEqual(Array.from({ length: 300 }, (_, index) => index));
    expect(most).toBe(1);
    expect(host.calls.slice(1)).toEqual(['prepareTransferTo 3', 'resumeShard 3']);
    await close(node, clock);
  });

  test('the destination drops what it has when it is told to stop the shard, and handles nothing more', async () => {
    const { node, host, orchestrator, start, say, clock } = await world();
    let finish = (): void => undefined;
    host.behaviour.handleUserEvent = () => new Promise<void>((resolve) => (finish = resolve));
    await start();
    await say({ kind: 'prepareMigration', origin: false, shardId: 3, session: SESSION });
    const registry = new UserEventRegistry().register(100, 'guild');
    for (const guild of [1, 2, 3]) {
      orchestrator.peer.send({ kind: 'userEvent', ...registry.encode('guild', guild) });
    }
    await say({ kind: 'stopShard', shardId: 3, session: null });
    expect(host.calls.at(-1)).not.toBe('abortTransferTo 3');
    finish();
    await clock.run(10);
    expect(host.calls.at(-1)).toBe('abortTransferTo 3');
    expect(host.userEvents).toEqual([1]);
    expect(node.shards.size).toBe(0);
    await close(node, clock);
  });

  test('a shard moves both ways with a base-level orchestrator', async () => {
    const { node, host, orchestrator, start, say, clock } = await world(BASE_LEVEL);
    host.behaviour.exportDelta = sendGuilds(2);
    await start();
    await say({ kind: 'startShards', shardIds: [3] });
    await say({ kind: 'prepareMigration', origin: true, shardId: 3, session: null });
    await say({ kind: 'startMigration', shardId: 3 });
    expect(orchestrator.peer.received.slice(1).map(({ kind }) => kind)).toEqual([
      'startShards',
      'prepareMigration',
      'userEvent',
      'userEvent',
      'allUserDataSent',
    ]);
    const events = orchestrator.peer.of('userEvent');
    await say({ kind: 'prepareMigration', origin: false, shardId: 3, session: SESSION });
    events.forEach((event) => orchestrator.peer.send(event));
    await say({ kind: 'allUserDataSent', numEvents: 2 });
    expect(host.userEvents).toEqual([{ guild: 0 }, { guild: 1 }]);
    expect(node.shards.get(3)).toBe('running');
    await close(node, clock);
  });
});
