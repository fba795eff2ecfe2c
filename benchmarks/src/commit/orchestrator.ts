/** The orchestrator under test, on one store, and what it is made to do: shards move for so many seconds. */
import { join } from 'node:path';
import {
  createOrchestrator,
  defaultSettings,
  fixedGatewayInfo,
  lead,
  memoryStore,
  postgresStore,
  sqliteStore,
} from '@dshard/orchestrator';
import type { Commit, OrchestratorHandle, StateStore } from '@dshard/orchestrator';
import { delay, silentLogger, systemClock, systemRandom, tcpTransport } from '@dshard/transport';
import { orderVariable } from '../processes.js';
import type { CommitOrder, CommitSaying, Moves } from './messages.js';

const SINGLE_S = 2;
const MAX_HISTORY = 10_000;
/** Cursors are written with heartbeats: none comes while it is measured. */
const HEARTBEAT_MS = 600_000;
const LEASE_MS = 60_000;
/** Commits that are made again, alone. */
const MOST_KEPT = 200;

const order = JSON.parse(process.env[orderVariable] ?? '{}') as CommitOrder;
const clock = systemClock();
const say = (saying: CommitSaying): void => void process.send?.(saying);

const store = open();
const kept: Commit[] = [];
let commits = 0;
const leadership = await lead(counting(store), {
  identity: { id: 'bench', host: 'bench', pid: process.pid, process: null, boot: 'bench', since: clock.wallClock() },
  standby: false,
  leaseMs: LEASE_MS,
  clock,
  logger: silentLogger,
  liveness: () => 'dead',
});
const orchestrator = createOrchestrator({
  listen: '127.0.0.1:0',
  token: null,
  settings: defaultSettings({
    totalShards: order.shards,
    migrationsPerNode: order.atOnce,
    migrationsTotal: order.atOnce,
    maxUnavailable: { percent: 100 },
    heartbeatIntervalMs: HEARTBEAT_MS,
    rebalance: 'off',
    startupGraceMs: 0,
    allowBaseLevelPeers: true,
  }),
  stopGraceMs: 1_000,
  clock,
  random: systemRandom(),
  transport: tcpTransport(),
  launcher: null,
  versionSource: null,
  gatewayInfo: fixedGatewayInfo({ maxConcurrency: order.shards }),
  logger: silentLogger,
  leadership,
});
await orchestrator.start();
say({ kind: 'listening', address: orchestrator.address });
process.on('message', () => void measure(orchestrator));

function open(): StateStore {
  switch (order.store) {
    case 'memory':
      return memoryStore({ maxHistory: MAX_HISTORY });
    case 'sqlite':
      return sqliteStore({ path: join(order.folder, 'state.db'), maxHistory: MAX_HISTORY });
    case 'postgres':
      return postgresStore({
        url: order.url,
        schema: 'dso',
        maxHistory: MAX_HISTORY,
        statementTimeoutMs: 5_000,
        clock,
      });
  }
}

function counting(inner: StateStore): StateStore {
  const { name, hasOwnClock = false } = inner;
  return {
    name,
    hasOwnClock,
    acquire: (...told) => inner.acquire(...told),
    renew: (...told) => inner.renew(...told),
    release: (epoch) => inner.release(epoch),
    load: () => inner.load(),
    history: (query) => inner.history(query),
    close: () => inner.close(),
    commit: (commit) => {
      commits += 1;
      if (kept.length < MOST_KEPT) kept.push(commit);
      return inner.commit(commit);
    },
  };
}

async function measure(handle: OrchestratorHandle): Promise<void> {
  const isUp = (): boolean =>
    handle.state.shards.filter((shard) => shard.kind === 'running' && shard.link?.phase === 'ready').length ===
    order.shards;
  while (!isUp()) await delay(clock, 20);
  // Compilers and caches get warm.
  await moveFor(handle, order.atOnce, 1);
  const single = await moveFor(handle, 1, SINGLE_S);
  const together = await moveFor(handle, order.atOnce, order.seconds);
  await handle.close('leave');
  say({ kind: 'done', single, together, bare: await commitAlone(single) });
}

/** So many shards are on their way at any moment: each of them goes to the next node, then has its rest. */
async function moveFor(handle: OrchestratorHandle, atOnce: number, seconds: number): Promise<Moves> {
  const nodes = [...handle.state.nodes.keys()].toSorted();
  const rested = handle.state.shards.map((_, shard) => shard);
  const [startedMs, commitsBefore] = [clock.monotonicMs(), commits];
  kept.length = 0;
  let moves = 0;
  const move = async (): Promise<void> => {
    while (clock.monotonicMs() - startedMs < seconds * 1_000) {
      const shard = rested.shift() ?? 0;
      const at = handle.state.shards[shard];
      const from = at?.kind === 'running' ? nodes.indexOf(at.node) : 0;
      const destination = nodes[(from + 1) % nodes.length] ?? '';
      const result = await handle.command({ kind: 'migrateShard', shard, destination });
      if (!result.ok) throw new Error(result.error.message);
      rested.push(shard);
      moves += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, move));
  return { moves, ms: clock.monotonicMs() - startedMs, commits: commits - commitsBefore };
}

/** What an orchestrator can do at most that commits each decision by itself. */
async function commitAlone({ commits: most }: Moves): Promise<{ commits: number; ms: number }> {
  const again = open();
  const terms = { now: clock.monotonicMs(), ttlMs: LEASE_MS, aheadMs: 0, isDead: () => true, isAlive: () => false };
  const identity = { id: 'bare', host: 'bench', pid: 0, process: null, boot: 'bench', since: 0 };
  const acquired = await again.acquire(identity, terms);
  const loaded = await again.load();
  if (!acquired.ok || !loaded.ok) throw new Error('The store cannot be led for commits alone.');
  let { version: expectedVersion, lastHistoryId } = loaded;
  const startedMs = clock.monotonicMs();
  let done = 0;
  while (done < Math.max(200, most) && clock.monotonicMs() - startedMs < SINGLE_S * 1_000) {
    const { writes = [], history = [] } = kept[done % kept.length] ?? {};
    const entries = history.map((entry) => ({ ...entry, id: (lastHistoryId += 1) }));
    const result = await again.commit({ epoch: acquired.epoch, expectedVersion, writes, history: entries });
    if (!result.ok) throw new Error(result.message);
    expectedVersion = result.version;
    done += 1;
  }
  await again.close();
  return { commits: done, ms: clock.monotonicMs() - startedMs };
}
