/**
 * How each fault is done. A function does it to its end: what was stopped goes on, what was cut is whole again;
 * recovery is waited for elsewhere. `say` tells what is done, in words.
 */
import { counted } from '@dshard/protocol';
import { waitFor } from '@dshard/demo';
import { delay, type Random } from '@dshard/transport';
import { pick, type OneHostFault } from './fault-kinds.js';
import { BEYOND_TIMEOUTS_MS, type Rig, type Status } from './rig.js';
import { signal } from './processes.js';

export type Context = { rig: Rig; random: Random; say: (text: string) => void };
export type Fault = (context: Context) => Promise<void>;

const TAKEOVER_TIMEOUT_MS = 30_000;
/** How long the store may live on what is free in its own files. */
const DISK_NOTICED_MS = 10_000;
/** How long an orchestrator that was killed stays away, at most. */
const AWAY_MS = 3_000;

type Node = Status['nodes'][number] & { pid: number };

const nodeKill: Fault = async (context) => {
  const node = await aBusyNode(context);
  context.say(`kill -9 of ${node.id}, which runs ${node.shards.length} shards`);
  await killNode(context, node);
};

const nodeKillInMove: Fault = async (context) => {
  const { rig, random, say } = context;
  const [origin, destination] = await twoNodes(context);
  const victim = random.next() < 0.5 ? origin : destination;
  const after = Math.floor(random.next() * 200);
  say(`drain of ${origin.id} to ${destination.id}, and ${after} ms later kill -9 of ${victim.id}`);
  begin(rig, '/migratenode', { origin_node: origin.id, destination_node: destination.id });
  await delay(rig.clock, after);
  await killNode(context, victim);
};

const nodePause: Fault = async (context) => {
  const { rig, say } = context;
  const node = await aBusyNode(context);
  say(`SIGSTOP of ${node.id}, which runs ${node.shards.length} shards, until others run them and a little longer`);
  signal(node.pid, 'SIGSTOP');
  try {
    await untilTakenOver(rig, node.id);
    await delay(rig.clock, 1_000);
  } finally {
    say(`SIGCONT of ${node.id}`);
    signal(node.pid, 'SIGCONT');
  }
};

const orchestratorKill: Fault = async (context) => {
  await killOrchestrator(context);
};

const orchestratorKillInMove: Fault = async (context) => {
  const { rig, random, say } = context;
  if (random.next() < 0.5) {
    const after = Math.floor(random.next() * 4_000);
    say(`rollout, and ${after} ms later kill -9 of the orchestrator`);
    begin(rig, '/fullmigration', {});
    await delay(rig.clock, after);
  } else {
    const [origin, destination] = await twoNodes(context);
    const after = Math.floor(random.next() * 200);
    say(`drain of ${origin.id} to ${destination.id}, and ${after} ms later kill -9 of the orchestrator`);
    begin(rig, '/migratenode', { origin_node: origin.id, destination_node: destination.id });
    await delay(rig.clock, after);
  }
  await killOrchestrator(context);
};

const orchestratorPause: Fault = async ({ rig, say }) => {
  const { orchestratorPid } = rig.fleet;
  if (orchestratorPid === null) throw new Error('The orchestrator does not run.');
  say(`SIGSTOP of the orchestrator for ${BEYOND_TIMEOUTS_MS} ms`);
  signal(orchestratorPid, 'SIGSTOP');
  try {
    await delay(rig.clock, BEYOND_TIMEOUTS_MS);
  } finally {
    say('SIGCONT of the orchestrator');
    signal(orchestratorPid, 'SIGCONT');
  }
};

const linkReset: Fault = async ({ rig, random, say }) => {
  const times = 1 + Math.floor(random.next() * 3);
  say(`every control connection is reset, ${times} times`);
  for (let time = 0; time < times; time += 1) {
    for (const link of rig.links.all) link.reset();
    await delay(rig.clock, Math.floor(random.next() * 1_000));
  }
};

const linkHalfOpen: Fault = async (context) => {
  const { rig, say } = context;
  const node = await aBusyNode(context);
  const { nodes } = await rig.status();
  const cut = nodes.filter(({ id, connection }) => connection === 'connected' && rig.links.sharesOne(node.id, id));
  if (cut.length > 1) {
    say(`passed over: ${cut.map(({ id }) => id).join(' and ')} share a link`);
    return;
  }
  say(`the control connection of ${node.id} swallows everything, until others run its ${node.shards.length} shards`);
  const link = rig.links.of(node.id);
  link.set({ swallow: true });
  try {
    await untilTakenOver(rig, node.id);
    await delay(rig.clock, 1_000);
  } finally {
    say(`the control connection of ${node.id} is whole again`);
    link.reset();
    link.heal();
  }
};

const allLinksHalfOpen: Fault = async ({ rig, say }) => {
  say(`all control connections swallow everything for ${BEYOND_TIMEOUTS_MS} ms: every node looks dead`);
  for (const link of rig.links.all) link.set({ swallow: true });
  try {
    await delay(rig.clock, BEYOND_TIMEOUTS_MS);
  } finally {
    say('all control connections are whole again');
    for (const link of rig.links.all) {
      link.reset();
      link.heal();
    }
  }
};

const gatewayReset: Fault = async ({ rig, random, say }) => {
  const shards = someShards(rig, random);
  say(`the gateway connections of shards ${shards.join(', ')} are reset`);
  rig.emulator.admin.reset({ shards });
};

const gatewayReconnect: Fault = async ({ rig, say }) => {
  say('Discord asks every shard to reconnect (op 7)');
  rig.emulator.admin.reconnect();
};

const gatewayInvalidResumable: Fault = async ({ rig, random, say }) => {
  const shards = someShards(rig, random);
  say(`Discord says of shards ${shards.join(', ')} that their session is invalid, and resumable (op 9, true)`);
  rig.emulator.admin.invalidate({ shards }, { resumable: true });
};

const deadResumeUrl: Fault = async ({ rig, random, say }) => {
  const shards = someShards(rig, random);
  say(`resume_gateway_url is dead, and the connections of shards ${shards.join(', ')} are reset`);
  await rig.emulator.admin.setResumeHost('refuse');
  try {
    rig.emulator.admin.reset({ shards });
    await waitFor(
      rig.clock,
      'all shards to resume at the generic address',
      TAKEOVER_TIMEOUT_MS,
      () => rig.attached() === rig.shards,
    );
  } finally {
    await rig.emulator.admin.setResumeHost('up');
    say('resume_gateway_url works again');
  }
};

const fullDisk: Fault = async (context) => {
  const { rig, say } = context;
  const { disk } = rig;
  if (disk === null) throw new Error('There is no small disk.');
  say('the disk of the store is full');
  disk.fill();
  try {
    const [origin, destination] = await twoNodes(context);
    begin(rig, '/migratenode', { origin_node: origin.id, destination_node: destination.id });
    const isSuspended = async (): Promise<boolean> => (await rig.status()).store.state === 'suspended';
    const noticed = await waitFor(rig.clock, 'the store to be suspended', DISK_NOTICED_MS, isSuspended).then(
      () => true,
      () => false,
    );
    // SQLite writes over what is free in its own files first.
    say(noticed ? 'the orchestrator changes nothing and says so' : 'the store had room in its own files, and went on');
    await delay(rig.clock, 2_000);
  } finally {
    disk.free();
    say('the disk has room again');
  }
};

type InsideFault = Exclude<OneHostFault, 'clock-step' | 'two-processes-one-id' | 'stranger' | 'discord-outage'>;

export const INSIDE_FAULTS: Readonly<Record<InsideFault, Fault>> = {
  'node-kill': nodeKill,
  'node-kill-in-move': nodeKillInMove,
  'node-pause': nodePause,
  'orchestrator-kill': orchestratorKill,
  'orchestrator-kill-in-move': orchestratorKillInMove,
  'orchestrator-pause': orchestratorPause,
  'link-reset': linkReset,
  'link-half-open': linkHalfOpen,
  'all-links-half-open': allLinksHalfOpen,
  'gateway-reset': gatewayReset,
  'gateway-reconnect': gatewayReconnect,
  'gateway-invalid-resumable': gatewayInvalidResumable,
  'dead-resume-url': deadResumeUrl,
  'full-disk': fullDisk,
};

async function killNode({ rig }: Context, node: Node): Promise<void> {
  signal(node.pid, 'SIGKILL');
  await untilTakenOver(rig, node.id);
}

export async function killOrchestrator({ rig, random, say }: Context): Promise<void> {
  const away = Math.floor(random.next() * AWAY_MS);
  say(`kill -9 of the orchestrator, which stays away for ${away} ms`);
  await rig.fleet.killOrchestrator();
  await delay(rig.clock, away);
  await rig.fleet.restartOrchestrator();
  say('the orchestrator is back');
}

/** What is asked for is not waited for: the answer may never come, and how it ends is seen afterwards. */
function begin(rig: Rig, path: string, parameters: Readonly<Record<string, string>>): void {
  void rig.fleet.client.post(path, parameters).catch(() => undefined);
}

async function untilTakenOver(rig: Rig, node: string): Promise<void> {
  await waitFor(rig.clock, `the shards of ${node} to run elsewhere`, TAKEOVER_TIMEOUT_MS, async () => {
    const { nodes, conditionCounts } = await rig.status();
    const left = nodes.find(({ id }) => id === node)?.shards.length ?? 0;
    return left === 0 && conditionCounts.up + conditionCounts.migrating === rig.shards;
  });
}

/** Those that serve and told their process id. */
async function servingNodes({ rig }: Context): Promise<Node[]> {
  const { nodes } = await rig.status();
  return nodes.flatMap((node) => {
    const { pid, connection, intent } = node;
    return pid !== null && connection === 'connected' && intent === 'serving' ? [{ ...node, pid }] : [];
  });
}

export async function aBusyNode(context: Context): Promise<Node> {
  const [busy] = await busyNodes(context, 1);
  return pick(busy, context.random, 'node with shards');
}

async function twoNodes(context: Context): Promise<[Node, Node]> {
  const [busy, serving] = await busyNodes(context, 2);
  const origin = pick(busy, context.random, 'node with shards');
  const others = serving.filter(({ id }) => id !== origin.id);
  return [origin, pick(others, context.random, 'second node')];
}

/** Of those that serve the ones with shards, and all. Waits for `atLeast` to serve: after a fault they start. */
async function busyNodes(context: Context, atLeast: number): Promise<[busy: Node[], serving: Node[]]> {
  let serving: Node[] = [];
  let busy: Node[] = [];
  await waitFor(
    context.rig.clock,
    `${counted(atLeast, 'node')} to serve, one with shards`,
    TAKEOVER_TIMEOUT_MS,
    async () => {
      serving = await servingNodes(context);
      busy = serving.filter(({ shards }) => shards.length > 0);
      return busy.length > 0 && serving.length >= atLeast;
    },
  );
  return [busy, serving];
}

function someShards({ shards }: Rig, random: Random): number[] {
  const chosen = Array.from({ length: shards }, (_, shard) => shard).filter(() => random.next() < 0.5);
  return chosen.length > 0 ? chosen : [0];
}
