/** What user code is told of a shard that leaves, what it may still do then, and what a process that ends waits for. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { delay, systemClock } from '@dshard/transport';
import { Events } from 'discord.js';
import type { ChatInputCommandInteraction } from 'discord.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { moveLive } from './bots.js';
import type { ClientBot } from './bots.js';
import { Scene } from './scene.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
const clock = systemClock();
let gateway: GatewayEmulator;

afterEach(() => scene.close());

async function serving(): Promise<ClientBot> {
  gateway = await scene.world();
  const a = await scene.bot('a');
  await a.startShards(0, 1, 2, 3);
  return a;
}

/** Whether it ends before we have looked a few times. */
async function hasEnded(work: Promise<void>): Promise<boolean> {
  let ended = false;
  void work.then(() => (ended = true));
  for (let look = 0; look < 5; look++) await delay(clock, 1);
  return ended;
}

describe('shardLeaving', () => {
  test('waits for what listeners promise, and for what they ask to be waited for, also later', async () => {
    const a = await serving();
    const told: unknown[] = [];
    const finish: (() => void)[] = [];
    const work = (): Promise<void> => new Promise((resolve) => finish.push(resolve));
    a.client.on('shardLeaving', (shardId, { waitUntil, patienceMs, signal }) => {
      told.push([shardId, patienceMs, signal.aborted]);
      const first = work();
      waitUntil(first);
      void first.then(() => waitUntil(work()));
    });
    a.client.on('shardLeaving', () => work());
    const { signal } = new AbortController();
    const leaving = a.host.leaving(2, { patienceMs: 60_000, signal });
    expect(told).toEqual([[2, 60_000, false]]);
    expect(await hasEnded(leaving)).toBe(false);
    finish.shift()?.();
    finish.shift()?.();
    await until(() => finish.length === 1, { what: 'what was added' });
    expect(await hasEnded(leaving)).toBe(false);
    finish.shift()?.();
    await leaving;
  });

  test('a listener that throws or rejects is told as an error, and holds nothing up', async () => {
    const a = await serving();
    const errors: string[] = [];
    a.client.on('error', ({ message }) => errors.push(message));
    a.client.on('shardLeaving', () => {
      throw new Error('thrown');
    });
    a.client.on('shardLeaving', (_, { waitUntil }) => waitUntil(Promise.reject(new Error('rejected'))));
    await a.host.leaving(2, { patienceMs: 60_000, signal: new AbortController().signal });
    await until(() => errors.length === 2, { what: 'both errors' });
    expect(errors).toEqual(['thrown', 'rejected']);
  });

  test('shardMoved tells that the shard is gone, shardStays that it is not going after all', async () => {
    const a = await serving();
    const b = await scene.bot('b');
    const told: unknown[] = [];
    a.client.on('shardMoved', (shardId) => told.push(['moved', shardId, a.client.ws.shards.size]));
    a.client.on('shardStays', (shardId) => told.push(['stays', shardId]));
    a.host.stays(1);
    await moveLive(0, a, b);
    expect(told).toEqual([
      ['stays', 1],
      ['moved', 0, 3],
    ]);
  });
});

describe('a process that ends', () => {
  test('waits for the listeners that are at work', async () => {
    const a = await serving();
    let finish = (): void => undefined;
    a.client.on(Events.GuildUpdate, () => new Promise<void>((resolve) => (finish = resolve)));
    gateway.people.edit(gateway.world.guildAt(0).id, { kind: 'guild', data: { name: 'Renamed' } });
    await until(() => a.count('guildUpdate') === 1, { what: 'the event' });
    const settled = a.host.settled();
    expect(await hasEnded(settled)).toBe(false);
    finish();
    await settled;
  });

  /** Eleven of such commands per rollout "thought" for ever: nobody returns the promise of what answers. */
  test('waits for the answers to commands whose handlers return nothing', async () => {
    const a = await serving();
    const commands: ChatInputCommandInteraction[] = [];
    await a.client.application?.commands.set([{ name: 'toil', description: 't' }]);
    a.client.on(Events.InteractionCreate, (interaction) => {
      if (interaction.isChatInputCommand()) commands.push(interaction);
    });
    gateway.people.useCommand('toil');
    await until(() => commands.length === 1, { what: 'the command' });
    const settled = a.host.settled();
    expect(await hasEnded(settled)).toBe(false);
    await commands[0]?.deferReply();
    expect(await hasEnded(settled)).toBe(false);
    await commands[0]?.editReply('done');
    await settled;
  });

  test('waits for nobody when nothing is under way', async () => {
    const a = await serving();
    await a.host.settled();
  });

  // Frameworks pass a command on by events of their own, and the promise of the first listener says nothing.
  test('waits for what a framework passes on by events of its own', async () => {
    const a = await serving();
    let finish = (): void => undefined;
    const ran: string[] = [];
    a.client.on(Events.GuildUpdate, async () => {
      await Promise.resolve();
      a.client.emit('commandAccepted' as never);
    });
    a.client.on('commandAccepted' as never, async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      ran.push('command');
    });
    gateway.people.edit(gateway.world.guildAt(0).id, { kind: 'guild', data: { name: 'Renamed' } });
    await until(() => a.count('guildUpdate') === 1, { what: 'the event' });
    const settled = a.host.settled();
    expect(await hasEnded(settled)).toBe(false);
    finish();
    await settled;
    expect(ran).toEqual(['command']);
  });
});
