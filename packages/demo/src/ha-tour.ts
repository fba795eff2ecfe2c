/**
 * Scenario `ha`: two orchestrators on a PostgreSQL primary with a synchronous standby, and nodes that a scheduler
 * starts. Three rollouts, and in the middle of each, under traffic, something fails: the leader is killed, the database
 * is restarted, the database's primary is killed and its standby promoted.
 *
 * Where the system lets us, each orchestrator has a host name and process ids of its own: neither can look whether the
 * other one's process lives, as on two hosts, and waits for its lease.
 */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresPair } from '@dshard/testkit';
import { delay } from '@dshard/transport';
import { freePort } from './addresses.js';
import type { FleetOptions } from './fleet.js';
import { dsoShows, startOrchestrator, type OrchestratorProcess } from './orchestrator.js';
import { Scheduler } from './scheduler.js';
import { waitFor } from './steps.js';
import {
  allShardsRunning,
  BETWEEN_STEPS_MS,
  everybodyRuns,
  lastEventHandled,
  START_TIMEOUT_MS,
  startShardsAndTraffic,
  type Tour,
  type TourContext,
} from './tour.js';

const LEASE = '4s';
const TOKEN = 'one-token-for-both-orchestrators-of-the-demo';
const PATIENCE_MS = 60_000;

type Host = { name: string; node: number; http: number };

/** What scenario `ha` needs before there is a fleet. */
export class HaWorld {
  readonly database: PostgresPair;
  readonly hosts: readonly [Host, Host];
  readonly separateHosts: boolean;
  readonly #share: number;

  private constructor(database: PostgresPair, hosts: readonly [Host, Host], separateHosts: boolean, share: number) {
    this.#share = share;
    this.database = database;
    this.hosts = hosts;
    this.separateHosts = separateHosts;
  }

  /** @param share so many shards has each node, also when it starts long before the others */
  static async start(share: number): Promise<HaWorld> {
    const host = async (name: string): Promise<Host> => ({ name, node: await freePort(0), http: await freePort(0) });
    const hosts = [await host('host-1'), await host('host-2')] as const;
    const [command = '', ...words] = entering('host-0', ['true']);
    const separateHosts = spawnSync(command, words).status === 0;
    return new HaWorld(await PostgresPair.start(), hosts, separateHosts, share);
  }

  /** Of the fleet: its orchestrator is the first one. */
  get fleet(): Partial<FleetOptions> {
    const [first] = this.hosts;
    return {
      token: TOKEN,
      ports: first,
      restAddresses: this.hosts.map(({ http }) => `http://127.0.0.1:${http}`),
      nodeAddresses: this.hosts.map(({ node }) => `127.0.0.1:${node}`),
      nodeEnvironment: { DSO_TOKEN: TOKEN },
      environment: { DSO_STORE_URL: this.database.url },
      enter: this.entering(0),
      settings: {
        rebalance: 'off',
        launcher: undefined,
        nodes: 0,
        maxShardsPerNode: this.#share,
        heartbeat: '1500ms',
        store: { kind: 'postgres', standby: true, lease: LEASE, statementTimeout: '400ms' },
      },
    };
  }

  /** The second one, or whichever was killed, as a standby. */
  startStandby(index: 0 | 1, configFile: string, onLine: (line: string) => void): OrchestratorProcess {
    const { name, node, http } = this.hosts[index];
    const folder = join(configFile, '..', name);
    const more = ['--listen', `127.0.0.1:${node}`, '--http', `127.0.0.1:${http}`, '--data-dir', folder];
    const environment = { DSO_STORE_URL: this.database.url };
    return startOrchestrator(configFile, (line) => onLine(`${name}: ${line}`), {
      more,
      environment,
      enter: this.entering(index),
    });
  }

  entering(index: 0 | 1): readonly string[] {
    return this.separateHosts ? entering(this.hosts[index].name, []) : [];
  }
}

/** A command with a host name and process ids of its own, which ends with whoever started it. */
function entering(name: string, command: readonly string[]): readonly string[] {
  const own = ['--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...asUser, ...own, 'sh', '-c', 'hostname "$0" && exec "$@"', name, ...command];
}

/** Begins with the world, which has to be there before the fleet. */
export function haTour(world: HaWorld): Tour {
  return async (context) => {
    const { fleet, steps, clock, options, discord } = context;
    const scheduler = new Scheduler(clock, fleet.bot);
    context.atEnd(() => scheduler.close());
    const configFile = join(fleet.folder, 'dso.yaml');
    const standby = { process: world.startStandby(1, configFile, fleet.onLog) };
    context.atEnd(() => standby.process.end());
    await steps.run('the second orchestrator waits, and says who leads', () => waits(context, world, 1));
    for (let node = 0; node < options.nodes; node += 1) scheduler.start(`v1-${node}`);
    await startShardsAndTraffic(context);
    const addresses = fleet.restAddresses.join();
    await steps.run('dso finds the leader of the two', () =>
      dsoShows(addresses, ['status', '--token', TOKEN], [`${options.shards} up`]),
    );

    const epoch = async (): Promise<number> => (await fleet.client.status()).store.epoch;
    const first = await epoch();
    let leadershipMs = 0;
    let actsMs = 0;
    await rollOut(context, scheduler, 'v2', 'kill -9 of the leader', async () => {
      const killedMs = clock.monotonicMs();
      await fleet.killOrchestrator();
      await waitFor(clock, 'the standby to lead', PATIENCE_MS, () =>
        epoch().then(
          (now) => now > first,
          () => false,
        ),
      );
      leadershipMs = Math.round(clock.monotonicMs() - killedMs);
      await waitFor(clock, 'the new leader to have heard from its nodes', PATIENCE_MS, async () => {
        const { graceUntil } = await fleet.client.status();
        return graceUntil === null;
      });
      actsMs = Math.round(clock.monotonicMs() - killedMs);
    });
    const second = await epoch();
    await steps.run('the one that was killed is started again, and waits', async () => {
      fleet.adoptOrchestrator(world.startStandby(0, configFile, fleet.onLog));
      await waits(context, world, 0);
    });
    const databaseRestartMs = await storeAway(context, () =>
      rollOut(context, scheduler, 'v3', 'the database is killed and started again', () =>
        world.database.restartPrimary(),
      ),
    );
    const failOverMs = await storeAway(context, () =>
      rollOut(context, scheduler, 'v4', 'its primary is killed for good, its standby promoted', () =>
        world.database.failOver(),
      ),
    );
    const third = await epoch();
    await allShardsRunning(context);
    await waitFor(clock, 'every session', START_TIMEOUT_MS, () => discord.readyShards() === options.shards);
    await lastEventHandled(context);
    const { separateHosts } = world;
    const epochs = [first, second, third] as const;
    const ha = {
      separateHosts,
      lease: LEASE,
      leadershipMs,
      actsMs,
      databaseRestartMs,
      failOverMs,
      epochs,
      rollouts: 3,
    };
    // Moves that were under way may have ended in another way; that all shards are where they belong was waited for.
    return { migrationsExpected: 3, ha };
  };
}

/** An orchestrator answers that it is a standby. */
async function waits({ clock }: TourContext, { hosts }: HaWorld, index: 0 | 1): Promise<void> {
  const url = `http://127.0.0.1:${hosts[index].http}/readyz`;
  await waitFor(clock, `${hosts[index].name} to wait`, START_TIMEOUT_MS, async () => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } }).catch(() => null);
    return response?.status === 503 && 'Leader' in Object(await response.json());
  });
}

/** New processes are started, the rollout begins, something happens in its middle, and it goes on to its end. */
async function rollOut(
  context: TourContext,
  scheduler: Scheduler,
  version: string,
  what: string,
  happen: () => Promise<void>,
): Promise<void> {
  const { options, fleet, steps, clock } = context;
  await steps.run(`the scheduler starts ${options.nodes} processes of ${version}`, async () => {
    await writeFile(join(fleet.folder, 'version'), `${version}\n`);
    for (let node = 0; node < options.nodes; node += 1) scheduler.start(`${version}-${node}`);
    await waitFor(clock, `the nodes of ${version}`, START_TIMEOUT_MS, async () => {
      const { nodes } = await fleet.client.status();
      const fresh = nodes.filter((node) => node.version === version && node.connection === 'connected');
      return fresh.length === options.nodes;
    });
  });
  await steps.run(`rolling ${version} out, and pausing the rollout in its middle`, async () => {
    // Its answer may be lost with the orchestrator.
    void fleet.client.post('/fullmigration').catch(() => undefined);
    const pause = (): Promise<boolean> =>
      fleet.client.post('/v1/rollout/pause').then(
        () => true,
        () => false,
      );
    await waitFor(clock, 'the rollout to be paused', START_TIMEOUT_MS, pause);
    const { nodes } = await fleet.client.status();
    const moved = nodes.filter((node) => node.version === version).flatMap(({ shards }) => shards);
    if (moved.length === options.shards) throw new Error('The rollout was over before it could be paused.');
  });
  await steps.run(`the rollout goes on, and in the same moment: ${what}`, async () => {
    await fleet.client.post('/v1/rollout/resume');
    await happen();
  });
  await steps.run('every process is replaced', async () => {
    await everybodyRuns(context, version);
    await waitFor(clock, 'the rollout to be finished', START_TIMEOUT_MS, async () => {
      const { nodes, rollout } = await fleet.client.status();
      const left = nodes.filter((node) => node.version !== version && node.connection === 'connected');
      return rollout === null && left.length === 0;
    });
  });
  await delay(clock, BETWEEN_STEPS_MS);
}

/** How long the leader could not write its store while this was done, as it says itself; 0: nobody had to wait. */
async function storeAway({ fleet, clock }: TourContext, happen: () => Promise<void>): Promise<number> {
  const lastId = (await fleet.client.events(0)).at(-1)?.id ?? 0;
  await happen();
  await waitFor(clock, 'the leader to write its store', PATIENCE_MS, async () => {
    const { store } = await fleet.client.status();
    return store.state === 'open';
  });
  const events = await fleet.client.events(lastId);
  const away = events.filter(({ name }) => name === 'storeRecovered').map(({ fields }) => Number(fields['durationMs']));
  return Math.round(away.reduce((sum, each) => sum + each, 0));
}
