/**
 * Two real nodes and, between them, what the orchestrator does for a live migration: passing messages on and saying
 * what is next. In memory, under a clock that stands still.
 */
import { CAPABILITIES, UserEventRegistry } from '@dshard/protocol';
import type { Message, MessageKind, MessageOf, TransferMessage } from '@dshard/protocol';
import { leakGuard, memoryNetwork, seededRandom, virtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNode } from '../src/index.js';
import type { DshardNode, NodeLimits, ShardHost, TransferContext } from '../src/index.js';
import { FakeHost, SESSION } from './fake-host.js';
import { EXTENDED, FakeOrchestrator } from './fake-orchestrator.js';

leakGuard({ beforeEach, afterEach });

const SHARD = 3;
const of = { migrationId: 'm1', shardId: SHARD };

type Side = { host: FakeHost; node: DshardNode; orchestrator: FakeOrchestrator };

async function world(limits: NodeLimits = {}) {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const seen: TransferMessage[] = [];
  const side = async (nodeId: string, address: string): Promise<Side> => {
    const orchestrator = new FakeOrchestrator(EXTENDED);
    await orchestrator.listen(network, address);
    const host = new FakeHost();
    const userEvents = new UserEventRegistry().register(100, 'text').register(101, 'bulk', 'raw');
    const random = seededRandom(1);
    const transport = network;
    const node = createNode({ host, nodeId, orchestrator: address, clock, random, transport, userEvents, limits });
    await node.start();
    await clock.run(10);
    return { host, node, orchestrator };
  };
  const origin = await side('a', '127.0.0.1:1');
  const destination = await side('b', '127.0.0.1:2');
  origin.orchestrator.onMessage = (_, message) => pass(message, destination, ['transferData', 'transferManifest']);
  destination.orchestrator.onMessage = (_, message) => pass(message, origin, ['transferCredit']);
  function pass(message: Message, to: Side, kinds: readonly MessageKind[]): void {
    if ('migrationId' in message) {
      seen.push(message);
    }
    if (kinds.includes(message.kind)) {
      to.orchestrator.peer.send(message);
    }
  }
  const tell = async (to: Side, message: Message, ms = 10): Promise<void> => {
    to.orchestrator.peer.send(message);
    await clock.run(ms);
  };
  const last = <K extends TransferMessage['kind']>(kind: K): MessageOf<K> | undefined =>
    seen.findLast((message): message is MessageOf<K> => message.kind === kind);
  const open = async (): Promise<void> => {
    await tell(origin, { kind: 'startShards', shardIds: [SHARD] });
    await tell(origin, { kind: 'transferOpen', ...of, role: 'origin', session: null, freezeTimeoutMs: 5_000 });
    const { session } = last('transferOpened')!;
    expect(session).toEqual(SESSION);
    await tell(destination, { kind: 'transferOpen', ...of, role: 'destination', session, freezeTimeoutMs: 5_000 });
  };
  const close = async (): Promise<void> => {
    const closed = Promise.all([origin.node.close(), destination.node.close()]);
    await clock.run(60_000);
    await closed;
  };
  return { clock, origin, destination, seen, tell, last, open, close };
}

describe('between two nodes', () => {
  test('a shard moves with its state: copied live, then the delta, in order and verified', async () => {
    const { origin, destination, tell, last, open, close } = await world();
    Object.assign(origin.host, {
      exportState: async (_: number, { send }: TransferContext) => {
        // Not awaited one by one: they go in the order of the calls all the same.
        await Promise.all(['a', 'b', 'c'].map((text) => send('text', text)));
      },
      exportDelta: (_: number, { send }: TransferContext) => send('text', 'b2'),
    });
    await open();
    await tell(origin, { kind: 'transferCopy', ...of, creditBytes: last('transferOpened')!.creditBytes });
    expect(last('transferCopied')).toMatchObject({ events: 3 });
    expect(destination.host.userEvents).toEqual(['a', 'b', 'c']);
    expect(origin.node.shards.get(SHARD)).toBe('copied');
    await tell(origin, { kind: 'transferFreeze', ...of });
    expect(last('transferVerified')).toMatchObject({ ok: true });
    await tell(origin, { kind: 'transferRelease', ...of });
    expect(last('transferReleased')).toBeDefined();
    await tell(destination, { kind: 'transferActivate', ...of });
    expect(last('transferActivated')).toMatchObject({ resumed: true });
    await tell(origin, { kind: 'transferDone', ...of });
    expect(destination.host.userEvents).toEqual(['a', 'b', 'c', 'b2']);
    expect(destination.node.shards.get(SHARD)).toBe('running');
    expect(origin.node.shards.has(SHARD)).toBe(false);
    expect(origin.host.calls).toEqual([
      'sessionEstablished 16',
      `startShards [${SHARD}]`,
      `freeze ${SHARD}`,
      `release ${SHARD}`,
      `released ${SHARD}`,
    ]);
    await close();
  });

  test('a host without exportState copies nothing live, and sends it all when frozen', async () => {
    const { origin, destination, tell, last, open, close } = await world();
    origin.host.behaviour.exportDelta = (_: number, { send }: TransferContext) => send('text', 'all');
    await open();
    await tell(origin, { kind: 'transferCopy', ...of, creditBytes: 1_000 });
    expect(last('transferCopied')).toMatchObject({ events: 0 });
    await tell(origin, { kind: 'transferFreeze', ...of });
    expect(last('transferVerified')).toMatchObject({ ok: true });
    expect(destination.host.userEvents).toEqual(['all']);
    await close();
  });

  test('an orchestrator that dies while the connection is full holds up no later migration', async () => {
    const { clock, origin, tell, last, open, close } = await world();
    const ended: string[] = [];
    const exporting = async (parts: number, { send }: TransferContext): Promise<void> => {
      for (let part = 0; part < parts; part++) await send('bulk', new Uint8Array(100_000));
    };
    Object.assign(origin.host, {
      exportState: (_: number, transfer: TransferContext) =>
        exporting(50, transfer).catch((error: unknown) => void ended.push(String(error))),
    });
    await open();
    origin.orchestrator.peer.pauseReading();
    await tell(origin, { kind: 'transferCopy', ...of, creditBytes: 50_000_000 });
    expect([last('transferCopied'), origin.node.shards.get(SHARD)]).toEqual([undefined, 'copying']);
    origin.orchestrator.peer.cut();
    await clock.run(10_000);
    expect([ended.length, origin.node.shards.get(SHARD)]).toEqual([1, 'running']);
    expect(ended[0]).toContain('connection to the orchestrator is lost');
    const next = { ...of, migrationId: 'm2' };
    await tell(origin, { kind: 'transferOpen', ...next, role: 'origin', session: null, freezeTimeoutMs: 5_000 });
    await tell(origin, { kind: 'transferCopy', ...next, creditBytes: 50_000_000 }, 1_000);
    expect(last('transferCopied')).toMatchObject({ migrationId: 'm2', events: 50, bytes: 5_000_000 });
    await close();
  });

  test('a destination that is slow holds the origin back: never more than its window is on the way', async () => {
    const { clock, origin, destination, tell, seen, last, open, close } = await world({ transferWindowBytes: 10_000 });
    const total = 100;
    Object.assign(origin.host, {
      exportState: async (_: number, { send }: TransferContext) => {
        for (let index = 0; index < total; index++) {
          await send('bulk', new Uint8Array(3_000).fill(index));
        }
      },
      exportDelta: () => Promise.resolve(),
    });
    let mostWaiting = 0;
    destination.host.behaviour.handleUserEvent = () => {
      const sent = seen.filter(({ kind }) => kind === 'transferData').length;
      mostWaiting = Math.max(mostWaiting, sent - destination.host.userEvents.length);
      return new Promise<void>((resolve) => clock.after(50, resolve));
    };
    await open();
    await tell(origin, { kind: 'transferCopy', ...of, creditBytes: last('transferOpened')!.creditBytes }, 1_000);
    expect(last('transferCopied')).toBeUndefined();
    await clock.run(10_000);
    expect(last('transferCopied')).toMatchObject({ events: total, bytes: 3_000 * total });
    expect(mostWaiting).toBe(3);
    await tell(origin, { kind: 'transferFreeze', ...of }, 1_000);
    expect(last('transferVerified')).toMatchObject({ ok: true });
    await close();
  });

  test('handled() tells the host when a slow destination has caught up', async () => {
    const { clock, origin, destination, tell, last, open, close } = await world({ transferWindowBytes: 10_000 });
    const handled: number[] = [];
    Object.assign(origin.host, {
      exportState: async (_: number, { send, handled: caughtUp }: TransferContext) => {
        for (const parts of [0, 1, 5]) {
          for (let part = 0; part < parts; part++) await send('bulk', new Uint8Array(3_000));
          await caughtUp();
          handled.push(destination.host.userEvents.length);
        }
      },
      exportDelta: () => Promise.resolve(),
    });
    destination.host.behaviour.handleUserEvent = () => new Promise<void>((resolve) => clock.after(50, resolve));
    await open();
    await tell(origin, { kind: 'transferCopy', ...of, creditBytes: last('transferOpened')!.creditBytes }, 10_000);
    expect(handled).toEqual([0, 1, 6]);
    expect(last('transferCopied')).toMatchObject({ events: 6 });
    await close();
  });

  test('whoever waits for a destination that never catches up hears that the migration is aborted', async () => {
    const { origin, destination, tell, open, close } = await world();
    let failure: unknown = null;
    Object.assign(origin.host, {
      exportState: async (_: number, { send, handled }: TransferContext) => {
        await send('text', 'a');
        await handled().catch((error: unknown) => (failure = error));
      },
      exportDelta: () => Promise.resolve(),
    });
    destination.host.behaviour.handleUserEvent = () => new Promise<void>(() => undefined);
    await open();
    await tell(origin, { kind: 'transferCopy', ...of, creditBytes: 1_000 });
    expect([failure, origin.node.shards.get(SHARD)]).toEqual([null, 'copying']);
    await tell(origin, { kind: 'transferAbort', ...of, reason: 'enough' });
    expect(failure).toMatchObject({ code: 'DSO_TRANSFER_CANCELLED' });
    expect(origin.node.shards.get(SHARD)).toBe('running');
    await tell(destination, { kind: 'transferAbort', ...of, reason: 'enough' }, 20_000);
    await close();
  });

  test('an abort in the middle of the copy ends it, and the shard serves on', async () => {
    const { origin, destination, tell, open, close } = await world({ transferWindowBytes: 2_000 });
    let failure: unknown = null;
    Object.assign(origin.host, {
      exportState: async (_: number, { send, signal }: TransferContext) => {
        try {
          for (;;) {
            await send('bulk', new Uint8Array(1_500));
          }
        } catch (error) {
          failure = error;
          expect(signal.aborted).toBe(true);
          throw error;
        }
      },
      exportDelta: () => Promise.resolve(),
    });
    destination.host.behaviour.handleUserEvent = () => new Promise<void>(() => undefined);
    await open();
    await tell(origin, { kind: 'transferCopy', ...of, creditBytes: 2_000 });
    expect(origin.node.shards.get(SHARD)).toBe('copying');
    await tell(origin, { kind: 'transferAbort', ...of, reason: 'enough' });
    expect(failure).toMatchObject({ code: 'DSO_TRANSFER_CANCELLED' });
    expect(origin.node.shards.get(SHARD)).toBe('running');
    expect(origin.host.calls).not.toContain(`freeze ${SHARD}`);
    await tell(destination, { kind: 'transferAbort', ...of, reason: 'enough' }, 20_000);
    expect(destination.host.calls).toContain(`abortTransferTo ${SHARD}`);
    await close();
  });

  test('an orchestrator that dies while the shard is frozen costs a pause of the freeze timeout', async () => {
    const { clock, origin, destination, tell, last, open, close } = await world();
    await open();
    await tell(origin, { kind: 'transferFreeze', ...of });
    expect(origin.node.shards.get(SHARD)).toBe('frozen');
    await clock.run(5_000);
    expect(origin.node.shards.get(SHARD)).toBe('running');
    expect(origin.host.calls.at(-1)).toBe(`unfreeze ${SHARD}`);
    await tell(origin, { kind: 'transferRelease', ...of });
    expect(last('transferFailed')).toMatchObject({ step: 'transferRelease' });
    destination.orchestrator.peer.cut();
    await clock.run(100);
    expect(destination.host.calls).toContain(`abortTransferTo ${SHARD}`);
    await close();
  });
});

test('a host of four methods, which cannot hold events back, moves its shards live, too', async () => {
  const clock = virtualClock();
  const network = memoryNetwork({ clock });
  const orchestrator = new FakeOrchestrator(EXTENDED);
  await orchestrator.listen(network, '127.0.0.1:1');
  const host: ShardHost = {
    startShards: () => Promise.resolve(),
    resumeShard: () => Promise.resolve(),
    stopShard: () => Promise.resolve(SESSION),
    freeze: () => Promise.resolve(SESSION),
  };
  const node = createNode({ host, nodeId: 'a', orchestrator: '127.0.0.1:1', clock, transport: network });
  await node.start();
  await clock.run(10);
  const identify = orchestrator.peer.of('identify')[0];
  expect(identify?.capabilities).toEqual(CAPABILITIES);
  const closed = node.close();
  await clock.run(60_000);
  await closed;
});
