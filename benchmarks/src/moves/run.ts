/** One run, in a process of its own: a fleet starts, and every shard moves while events flow. */
import { Fleet, freePort, waitFor } from '@dshard/demo';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { delay, systemClock } from '@dshard/transport';
import { orderVariable, Peer } from '../processes.js';
import type { BareOrder, BareSaying } from './bare-messages.js';
import type { RunOrder, RunReading } from './messages.js';

const START_TIMEOUT_MS = 120_000;
const IDENTIFY_WINDOW_MS = 500;
const WARM_UP_MS = 1_000;
const SETTLED_WITHIN_MS = 15_000;

const CHANGES: Record<RunOrder['what'], (fleet: Fleet) => Promise<void>> = {
  shards: moveOneByOne,
  nodes: moveNodes,
  kill: killFirst,
};

const order = JSON.parse(process.env[orderVariable] ?? '{}') as RunOrder;
const clock = systemClock();
const { shards, nodes, guilds, members, rate, stateMb, rounds, seed, tls } = order;
const emulator = await startGatewayEmulator(
  { shards, guilds: shards * guilds, members, seed, maxConcurrency: 64, identifyWindowMs: IDENTIFY_WINDOW_MS },
  { clock },
);
try {
  process.send?.(order.bot === 'bare' ? await measureBare() : await measureFleet(order.bot));
} finally {
  await emulator.close();
}

async function measureFleet(bot: 'ws' | 'discordjs'): Promise<RunReading> {
  const fleet = await Fleet.start(
    clock,
    {
      shards,
      nodes,
      bot,
      api: emulator.apiUrl,
      discordToken: emulator.token,
      identifyWindow: IDENTIFY_WINDOW_MS,
      stateMb,
      ports: { node: await freePort(0), http: await freePort(0) },
      settings: { rebalance: 'off' },
      ...(tls !== null && { tls }),
    },
    { onLog: () => undefined, onHandled: (node, event) => emulator.ledger.handled({ node, events: [event] }) },
  );
  try {
    await waitFor(clock, `${shards} shards to run`, START_TIMEOUT_MS, async () => {
      const status = await fleet.client.status();
      const connected = status.nodes.filter(({ connection }) => connection === 'connected').length;
      return status.conditionCounts.up === shards && connected === nodes;
    });
    if (bot === 'discordjs') await untilReady(fleet);
    const reading = await underTraffic(() => CHANGES[order.what](fleet));
    const frozenMs = (await fleet.client.events(0)).flatMap(({ name, fields: { frozenMs } }) =>
      name === 'migrationCompleted' && typeof frozenMs === 'number' ? [frozenMs] : [],
    );
    return { ...reading, frozenMs };
  } finally {
    await fleet.end();
  }
}

/** Until each client has all its guilds: before, discord.js keeps what comes, and hands it over later. */
async function untilReady({ client }: Fleet): Promise<void> {
  await waitFor(clock, 'the clients to be ready', START_TIMEOUT_MS, async () => {
    const { answers } = await client.call({ name: 'isReady', each: 'node' });
    return answers.length === nodes && answers.every(({ value }) => value === true);
  });
}

async function measureBare(): Promise<RunReading> {
  const { url, token } = emulator;
  const asked: BareOrder = { url, token, shards };
  const bare = new Peer<object, BareSaying>(new URL('./bare.js', import.meta.url), asked);
  try {
    await bare.hear();
    return await underTraffic(async () => {
      bare.tell({});
      await bare.hear();
    });
  } finally {
    await bare.end('SIGKILL');
  }
}

async function underTraffic(moveAll: () => Promise<void>): Promise<RunReading> {
  emulator.traffic.start(rate);
  await delay(clock, WARM_UP_MS);
  for (let round = 0; round < rounds; round += 1) await moveAll();
  emulator.traffic.stop();
  // Nobody tells the ledger what the bare client handles.
  if (order.bot !== 'bare') await emulator.settled({ timeoutMs: SETTLED_WITHIN_MS }).catch(() => undefined);
  const { emitted, lost, missed, duplicated, identifies, gaps } = emulator.ledger.verdict();
  const gapsMs = gaps.map(({ ms }) => ms);
  return { gapsMs, frozenMs: [], emitted, lost: lost + missed, repeated: duplicated, identifies: identifies.used };
}

/** Each node gives what it has to the next one, which gives it on with its own: the last one gives all to the first. */
async function moveNodes({ client }: Fleet): Promise<void> {
  const ids = (await client.status()).nodes.map(({ id }) => id).toSorted();
  for (const [index, id] of ids.entries()) {
    const next = ids[(index + 1) % ids.length] ?? id;
    await client.post('/migratenode', { origin_node: id, destination_node: next });
  }
}

/** Every shard goes to the node after its own, and the next one moves when it runs there. */
async function moveOneByOne({ client }: Fleet): Promise<void> {
  const nodes = (await client.status()).nodes.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  for (const [index, node] of nodes.entries()) {
    const destination = nodes[(index + 1) % nodes.length]?.id ?? node.id;
    for (const { id: shard } of node.shards) {
      await client.post('/migrateshard', { shard: String(shard), destination_node: destination });
    }
  }
}

/** Until the others have resumed what it had, and a new one is there in its place. */
async function killFirst({ client }: Fleet): Promise<void> {
  const victim = (await client.status()).nodes.find((node) => node.pid !== null && node.shards.length > 0);
  if (victim === undefined || victim.pid === null) throw new Error('No node has shards.');
  process.kill(victim.pid, 'SIGKILL');
  await waitFor(clock, `the shards of ${victim.id} to be up elsewhere`, START_TIMEOUT_MS, async () => {
    const { nodes: now, conditionCounts } = await client.status();
    return conditionCounts.up === shards && now.every(({ id, shards: left }) => id !== victim.id || left.length === 0);
  });
}
