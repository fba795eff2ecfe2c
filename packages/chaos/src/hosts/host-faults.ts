/**
 * How each fault over several hosts is done. A function does it to its end: what was stopped goes on, what was cut is
 * whole again; recovery is waited for elsewhere.
 */
import { waitFor } from '@dshard/demo';
import type { NamespaceHost } from '@dshard/testkit';
import { delay, type Random } from '@dshard/transport';
import { pick, type HostFault } from '../fault-kinds.js';
import { BEYOND_TIMEOUTS_MS, type HostNode, type HostsRig } from './hosts-rig.js';

type Context = { rig: HostsRig; random: Random; say: (text: string) => void };
type Fault = (context: Context) => Promise<void>;

const TAKEOVER_TIMEOUT_MS = 45_000;
const LEADERSHIP_TIMEOUT_MS = 30_000;
const HOUR_S = 3_600;
const DISK_FULL_MS = 6_000;

const killNode: Fault = async (context) => {
  const { rig, say } = context;
  const node = await aBusyNode(context);
  say(`kill -9 of ${node.id}, which is started again`);
  await node.process.kill();
  await delay(rig.clock, 1_000);
};

const stopNode: Fault = async (context) => {
  const { rig, say } = context;
  const node = await aBusyNode(context);
  say(`SIGSTOP of ${node.id}, until others run its shards and a little longer`);
  node.process.signal('SIGSTOP');
  try {
    await untilEmpty(rig, [node.id]);
    await delay(rig.clock, 1_000);
  } finally {
    say(`SIGCONT of ${node.id}`);
    node.process.signal('SIGCONT');
  }
};

/** Its database, where it has one, runs on: there are faults of its own for that. */
const killHost: Fault = async ({ rig, random, say }) => {
  const host = aHost(rig, random);
  const nodes = nodesOf(rig, host);
  const orchestrator = rig.parts.orchestrators[rig.parts.world.hosts.indexOf(host)];
  const processes = [...nodes.map((node) => node.process), ...(orchestrator === undefined ? [] : [orchestrator])];
  say(`kill -9 of all that runs on ${host.name}: ${processes.map(({ name }) => name).join(', ')}`);
  await Promise.all(processes.map((process) => process.kill({ away: true })));
  try {
    await untilEmpty(
      rig,
      nodes.map(({ id }) => id),
    );
  } finally {
    say(`${host.name} is back`);
    for (const process of processes) process.release();
  }
};

const killLeader: Fault = async (context) => {
  const { rig, random, say } = context;
  const orchestrator = theLeader(context);
  if (random.next() < 0.5) {
    const after = Math.floor(random.next() * 200);
    const [origin, destination] = await twoNodes(context);
    say(
      `drain of ${origin.id} to ${destination.id}, and ${after} ms later kill -9 of the ${orchestrator.name}, which leads`,
    );
    begin(rig, origin, destination);
    await delay(rig.clock, after);
  } else {
    say(`kill -9 of the ${orchestrator.name}, which leads`);
  }
  await orchestrator.kill();
  await untilLed(rig);
};

const stopLeader: Fault = async (context) => {
  const { rig, say } = context;
  const orchestrator = theLeader(context);
  say(`SIGSTOP of the ${orchestrator.name}, which leads, for ${BEYOND_TIMEOUTS_MS} ms`);
  orchestrator.signal('SIGSTOP');
  try {
    await delay(rig.clock, BEYOND_TIMEOUTS_MS);
  } finally {
    say('SIGCONT: it leads no more');
    orchestrator.signal('SIGCONT');
  }
};

const partHosts: Fault = ({ rig, random, say }) => {
  const [one, other] = twoHosts(rig, random);
  return parted({ rig, random, say }, `${one.name} and ${other.name} do not reach each other`, () =>
    rig.parts.world.cut(one, other),
  );
};

const partOneWay: Fault = ({ rig, random, say }) => {
  const [from, to] = twoHosts(rig, random);
  return parted({ rig, random, say }, `nothing of ${from.name} reaches ${to.name}`, () =>
    rig.parts.world.cutOneWay(from, to),
  );
};

const cutOffHost: Fault = ({ rig, random, say }) => {
  const host = aHost(rig, random);
  return parted({ rig, random, say }, `${host.name} reaches Discord, and no other host`, () => cutFromHosts(rig, host));
};

const darkenHost: Fault = ({ rig, random, say }) => {
  const host = aHost(rig, random);
  return parted({ rig, random, say }, `${host.name} reaches nobody, nor Discord`, () => {
    cutFromHosts(rig, host);
    const { outside } = rig.parts.world;
    if (outside !== null) rig.parts.world.cut(host, outside);
  });
};

const leaderWithoutDatabase: Fault = (context) => {
  const { rig } = context;
  const { world, database } = rig.parts;
  const leader = world.host(rig.leaders.number);
  const primary = world.hosts.find(({ address }) => database.primary.address.startsWith(`${address}:`));
  if (primary === undefined) throw new Error('The database is on no host.');
  if (primary === leader) {
    context.say('passed over: the database is on the host of the leader');
    return Promise.resolve();
  }
  return parted(
    context,
    `${leader.name}, whose orchestrator leads, does not reach the database on ${primary.name}`,
    () => world.cut(leader, primary),
  );
};

const losePackets: Fault = ({ rig, random, say }) => {
  const share = 0.02 + random.next() * 0.08;
  return parted({ rig, random, say }, `each host loses ${Math.round(share * 100)} % of what comes to it`, () => {
    for (const host of rig.parts.world.hosts) rig.parts.world.losePackets(host, share);
  });
};

const stepClock: Fault = async ({ rig, random, say }) => {
  const number = Math.floor(random.next() * rig.parts.clocks.length);
  const clock = rig.parts.clocks[number];
  if (clock === undefined) throw new Error('There is no clock that can be set.');
  const aheadS = random.next() < 0.5 ? HOUR_S : -HOUR_S;
  say(`the clock of ${rig.parts.world.host(number).name} is set ${aheadS > 0 ? 'forward' : 'back'} by an hour`);
  clock.set(aheadS);
  try {
    await delay(rig.clock, BEYOND_TIMEOUTS_MS);
  } finally {
    clock.set(0);
    say('the clock is put right');
  }
};

const restartDatabase: Fault = async ({ rig, random, say }) => {
  const signal = random.next() < 0.5 ? 'SIGINT' : 'SIGQUIT';
  say(`the database's primary is ${signal === 'SIGINT' ? 'restarted' : 'ended as by a crash, and started again'}`);
  await rig.parts.database.restartPrimary(signal);
  await untilFollowed(rig);
};

const promoteDatabase: Fault = async ({ rig, say }) => {
  const { database } = rig.parts;
  say(`the database's primary is gone, and the standby on ${database.standby.address} is promoted`);
  await database.failOver();
  await delay(rig.clock, 5_000);
  say('the old primary comes back as the standby');
  await database.rejoin();
};

const fillDisk: Fault = async (context) => {
  const { rig, say } = context;
  const { database } = rig.parts;
  const disk = rig.disks.find(({ path }) => database.primary.folder.startsWith(path));
  if (disk === undefined) throw new Error('There is no small disk below the primary.');
  say('the disk of the database is full');
  disk.fill();
  try {
    const [origin, destination] = await twoNodes(context);
    begin(rig, origin, destination);
    // The server needs room for what is written next, and ends when there is none.
    void database.primary.sql('SELECT pg_switch_wal()').catch(() => undefined);
    await delay(rig.clock, DISK_FULL_MS);
  } finally {
    disk.free();
    say('the disk has room again, and the database is started');
    await database.restartPrimary('SIGQUIT');
    await untilFollowed(rig);
  }
};

export const HOST_FAULT_ACTIONS: Readonly<Record<HostFault, Fault>> = {
  'kill-node': killNode,
  'stop-node': stopNode,
  'kill-host': killHost,
  'kill-leader': killLeader,
  'stop-leader': stopLeader,
  'part-hosts': partHosts,
  'part-one-way': partOneWay,
  'cut-off-host': cutOffHost,
  'darken-host': darkenHost,
  'leader-without-database': leaderWithoutDatabase,
  'lose-packets': losePackets,
  'step-clock': stepClock,
  'restart-database': restartDatabase,
  'promote-database': promoteDatabase,
  'fill-disk': fillDisk,
};

/** Shorter than any timeout, or longer than all of them. */
async function parted({ rig, random, say }: Context, text: string, part: () => void): Promise<void> {
  const forMs = Math.round(2_000 + random.next() * 1.3 * BEYOND_TIMEOUTS_MS);
  say(`${text}, for ${forMs} ms`);
  part();
  try {
    await delay(rig.clock, forMs);
  } finally {
    rig.parts.world.heal();
    say('the network is whole again');
  }
}

function cutFromHosts(rig: HostsRig, host: NamespaceHost): void {
  for (const other of rig.parts.world.hosts) if (other !== host) rig.parts.world.cut(host, other);
}

function theLeader({ rig }: Context): HostsRig['parts']['orchestrators'][number] {
  const orchestrator = rig.parts.orchestrators[rig.leaders.number];
  if (orchestrator === undefined) throw new Error('Nobody leads.');
  return orchestrator;
}

/** Until then it answers no commit: its standby has to have each. */
function untilFollowed(rig: HostsRig): Promise<void> {
  return waitFor(rig.clock, 'the standby of the database to follow again', TAKEOVER_TIMEOUT_MS, async () => {
    const rows = await rig.parts.database.primary.sql('SELECT sync_state FROM pg_stat_replication').catch(() => []);
    return rows.some((row) => row['sync_state'] === 'sync');
  });
}

function untilLed(rig: HostsRig): Promise<void> {
  return waitFor(rig.clock, 'another orchestrator to lead', LEADERSHIP_TIMEOUT_MS, () =>
    rig.status().then(
      () => true,
      () => false,
    ),
  );
}

async function untilEmpty(rig: HostsRig, ids: readonly string[]): Promise<void> {
  await waitFor(rig.clock, `the shards of ${ids.join(' and ')} to run elsewhere`, TAKEOVER_TIMEOUT_MS, async () => {
    const status = await rig.status().catch(() => null);
    if (status === null) return false;
    const left = status.nodes.filter(({ id, shards }) => ids.includes(id) && shards.length > 0);
    return left.length === 0 && status.conditionCounts.up + status.conditionCounts.migrating === rig.shards;
  });
}

function aHost(rig: HostsRig, random: Random): NamespaceHost {
  return pick(rig.parts.world.hosts, random, 'host');
}

function twoHosts(rig: HostsRig, random: Random): [NamespaceHost, NamespaceHost] {
  const one = aHost(rig, random);
  const others = rig.parts.world.hosts.filter((host) => host !== one);
  return [one, pick(others, random, 'other host')];
}

function nodesOf(rig: HostsRig, host: NamespaceHost): HostNode[] {
  return rig.hostNodes.filter((node) => node.host === host);
}

async function aBusyNode({ rig, random }: Context): Promise<HostNode> {
  const { nodes } = await rig.status();
  const busy = nodes.filter(({ shards }) => shards.length > 0).map(({ id }) => id);
  return pick(
    rig.hostNodes.filter(({ id }) => busy.includes(id)),
    random,
    'node with shards',
  );
}

async function twoNodes(context: Context): Promise<[HostNode, HostNode]> {
  const origin = await aBusyNode(context);
  const others = context.rig.hostNodes.filter((node) => node !== origin);
  return [origin, pick(others, context.random, 'second node')];
}

/** What is asked for is not waited for: the answer may never come, and how it ends is seen afterwards. */
function begin(rig: HostsRig, origin: HostNode, destination: HostNode): void {
  const parameters = { origin_node: origin.id, destination_node: destination.id };
  void rig.post('/migratenode', parameters).catch(() => undefined);
}
