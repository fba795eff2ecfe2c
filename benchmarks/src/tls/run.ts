/** One run, in a process of its own: a fleet starts, and every shard moves while events flow. */
import { Fleet, freePort, waitFor } from '@dshard/demo';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { delay, systemClock } from '@dshard/transport';
import { orderVariable } from '../processes.js';
import type { RunOrder, RunReading } from './messages.js';

const START_TIMEOUT_MS = 120_000;
const IDENTIFY_WINDOW_MS = 500;
const GUILDS_PER_SHARD = 4;
/** Each shard carries as much along. */
const STATE_MB = 1;

const order = JSON.parse(process.env[orderVariable] ?? '{}') as RunOrder;
const clock = systemClock();
const { shards, nodes, rate, rounds, seed, tls } = order;
const emulator = await startGatewayEmulator(
  { shards, guilds: shards * GUILDS_PER_SHARD, seed, maxConcurrency: 64, identifyWindowMs: IDENTIFY_WINDOW_MS },
  { clock },
);
const fleet = await Fleet.start(
  clock,
  {
    shards,
    nodes,
    bot: 'ws',
    api: emulator.apiUrl,
    discordToken: emulator.token,
    identifyWindow: IDENTIFY_WINDOW_MS,
    stateMb: STATE_MB,
    ports: { node: await freePort(0), http: await freePort(0) },
    settings: { rebalance: 'off' },
    ...(tls !== null && { tls }),
  },
  { onLog: () => undefined, onHandled: (node, event) => emulator.ledger.handled({ node, events: [event] }) },
);
try {
  process.send?.(await measure());
} finally {
  await fleet.end();
  await emulator.close();
}

async function measure(): Promise<RunReading> {
  await waitFor(clock, `${shards} shards to run`, START_TIMEOUT_MS, async () => {
    const status = await fleet.client.status();
    const connected = status.nodes.filter(({ connection }) => connection === 'connected').length;
    return status.conditionCounts.up === shards && connected === nodes;
  });
  emulator.traffic.start(rate);
  await delay(clock, 1_000);
  for (let round = 0; round < rounds; round += 1) await moveAll();
  emulator.traffic.stop();
  await emulator.settled({ timeoutMs: 15_000 }).catch(() => undefined);
  const { emitted, lost, missed, duplicated, identifies, gaps } = emulator.ledger.verdict();
  const gapsMs = gaps.map(({ ms }) => ms);
  return { gapsMs, emitted, lost: lost + missed, repeated: duplicated, identifies: identifies.used };
}

/** Each node gives what it has to the next one, which gives it on with its own: the last one gives all to the first. */
async function moveAll(): Promise<void> {
  const ids = (await fleet.client.status()).nodes.map(({ id }) => id).toSorted();
  for (const [index, id] of ids.entries()) {
    const next = ids[(index + 1) % ids.length] ?? id;
    await fleet.client.post('/migratenode', { origin_node: id, destination_node: next });
  }
}
