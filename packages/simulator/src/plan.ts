/**
 * What a seed means: the size of the fleet, its settings, and which faults are switched on with which strength. A few
 * faults per seed rather than all at once (swarm testing): faults hide each other.
 *
 * As far as the real thing allows. The store commits with `synchronous=FULL`, so a crash loses nothing that was
 * answered; the tail it may lose is the commit under way, which is made or not made and not heard of either way
 * (`world/slow-store.ts`, in every crash of a `durable` orchestrator). TCP neither repeats nor reorders within a
 * connection; what comes again comes on the next one (`repeats`), and what waited for a connection comes behind the
 * Identify that is newer than it (the node's own outbox).
 */
import { defaultRules, type GatewayRules } from '@dshard/gateway-emulator/core';
import { defaultSettings, type Settings } from '@dshard/orchestrator';
import { drawFor, type Draw } from './random.js';

/** Faults under which nothing at all may be lost, repeated or reordered, and nobody needs to IDENTIFY twice. */
const GENTLE_FAULTS = [
  'operators',
  'delays',
  'slowState',
  'op7',
  'op9true',
  'drops',
  'deadResumeUrl',
  'strangeUrls',
  'muteResumes',
  'op9storm',
  'silentDoubleAttach',
  'away',
  'notReady',
  'twins',
  'deaf',
] as const;

const ROUGH_FAULTS = [
  'op9false',
  'expiry',
  'shortBuffer',
  'resets',
  'partitions',
  'pauses',
  'kills',
  'poison',
  'orchestrator',
  'ambushedNodes',
  'ambushedOrchestrator',
  'launches',
  'repeats',
  'disk',
  'baseLevel',
  'spool',
  'hosts',
] as const;

/** Faults of two orchestrators on one database under which no node is lost or cut off: no session is lost, either. */
const GENTLE_CLUSTER_FAULTS = ['database', 'leaders', 'clocks'] as const;
/** The leader is cut off from the nodes, too. */
const ROUGH_CLUSTER_FAULTS = ['isolation'] as const;

type ClusterFault = (typeof GENTLE_CLUSTER_FAULTS)[number] | (typeof ROUGH_CLUSTER_FAULTS)[number];

export type FaultName = (typeof GENTLE_FAULTS)[number] | (typeof ROUGH_FAULTS)[number] | ClusterFault;

const FAULTS_OF_ONE: readonly FaultName[] = [...GENTLE_FAULTS, ...ROUGH_FAULTS];
const CLUSTER_FAULTS: readonly FaultName[] = [...GENTLE_CLUSTER_FAULTS, ...ROUGH_CLUSTER_FAULTS];
export const FAULTS: readonly FaultName[] = [...FAULTS_OF_ONE, ...CLUSTER_FAULTS];
const GENTLE: ReadonlySet<FaultName> = new Set(GENTLE_FAULTS);
const SPARES_SESSIONS: ReadonlySet<FaultName> = new Set([...GENTLE_FAULTS, ...GENTLE_CLUSTER_FAULTS]);

/** So many seeds have two orchestrators on one database. */
const CLUSTER_SHARE = 0.25;

/** Faults during which every node keeps what it has: the state of a shard is never lost. */
const SPARES_NODES: ReadonlySet<FaultName> = new Set([...GENTLE, 'orchestrator', 'ambushedOrchestrator', 'disk']);

export type Plan = {
  seed: number;
  faults: ReadonlySet<FaultName>;
  /** Only faults are on that a bot must not feel. */
  gentle: boolean;
  /** Whoever knows a session lives on, and is heard: nobody has to IDENTIFY. */
  sparesSessions: boolean;
  /** No node is lost, none is cut off, and what one holds it gets back: no state is ever lost. */
  sparesNodes: boolean;
  /** Two share a database, and nodes are started by somebody else. */
  orchestrators: 1 | 2;
  shards: number;
  nodes: number;
  /** A process manager restarts nodes under their own name, instead of our launcher. */
  supervised: boolean;
  /** Share of the nodes whose hosts move shards live; the others are of before. */
  liveShare: number;
  messagesPerSecond: number;
  delayMs: number;
  jitterMs: number;
  /** How long each piece of a shard's state takes to be sent. */
  sendMs: number;
  /** What user code takes for an event at most. */
  handlingMs: number;
  /** How long user code may keep a shard that is to leave. */
  patienceMs: number;
  /** How long faults go on. */
  faultyMs: number;
  /** Faults begin before everything runs. */
  impatient: boolean;
  /** Mean time between two faults. */
  faultEveryMs: number;
  /** The orchestrator has a store that outlives it. */
  durable: boolean;
  /** The run ends with the end of the whole bot. */
  endsForGood: boolean;
  /** The shared token. null: there is none. */
  token: string | null;
  settings: Settings;
  rules: GatewayRules;
};

export type Wanted = {
  /** The faults that may be on; null: any. */
  faults: ReadonlySet<FaultName> | null;
  /** null: as the seed has it. */
  orchestrators: 1 | 2 | null;
};

export function planFor(seed: number, { faults: only, orchestrators: wanted }: Wanted): Plan {
  const draw = drawFor(seed, 'plan');
  const drawCluster = drawFor(seed, 'cluster');
  const needsTwo = CLUSTER_FAULTS.some((fault) => only?.has(fault));
  const drawn = drawCluster.chance(CLUSTER_SHARE) && only === null;
  const orchestrators = wanted ?? (needsTwo || drawn ? 2 : 1);
  const faults = drawFaults(draw, only);
  if (orchestrators === 2) addClusterFaults(faults, drawCluster, only);
  const shards = draw.whole(2, 8);
  const nodes = draw.whole(2, 4);
  const supervised = draw.chance(0.25) || orchestrators === 2;
  const settings = { ...settingsFor(draw, shards, nodes, supervised), rebalance: rebalanceFor(seed) };
  return {
    seed,
    faults,
    gentle: [...faults].every((fault) => GENTLE.has(fault)),
    sparesSessions: [...faults].every((fault) => SPARES_SESSIONS.has(fault)),
    // Shards that must sit together are not given back to a node that the others have left.
    // What is parked lies on the machine of whoever leads.
    sparesNodes:
      orchestrators === 1 && settings.bucketSize === 1 && [...faults].every((fault) => SPARES_NODES.has(fault)),
    orchestrators,
    shards,
    nodes,
    supervised,
    liveShare: draw.pick([1, 1, 0.7, 0.5, 0]) ?? 1,
    messagesPerSecond: draw.whole(5, 30),
    delayMs: draw.between(0.2, 5),
    jitterMs: faults.has('delays') ? draw.between(20, 300) : draw.between(0, 5),
    sendMs: faults.has('slowState') ? draw.between(100, 4_000) : draw.between(0, 10),
    handlingMs: drawFor(seed, 'user code').pick([15, 15, 60]) ?? 15,
    patienceMs: drawFor(seed, 'patience').pick([0, 0, 1_500]) ?? 0,
    faultyMs: draw.between(25_000, 45_000),
    impatient: draw.chance(0.3),
    faultEveryMs: draw.between(800, 5_000),
    durable: orchestrators === 2 || faults.has('disk') || draw.chance(0.5),
    // A process manager of its own would start everything again.
    endsForGood: !supervised && draw.chance(0.3),
    token: drawFor(seed, 'token').chance(0.5) ? 'simulated-token' : null,
    settings,
    rules: rulesFor(draw, faults),
  };
}

function drawFaults(draw: Draw, only: ReadonlySet<FaultName> | null): Set<FaultName> {
  const gentleRun = draw.chance(0.25);
  const share = draw.between(0.15, 0.6);
  const faults = new Set<FaultName>();
  for (const fault of FAULTS_OF_ONE) {
    const drawn = draw.chance(fault === 'operators' ? 0.85 : share);
    const allowed = only === null ? !gentleRun || GENTLE.has(fault) : only.has(fault);
    // With a list of its own, what is on the list is on.
    if (allowed && (drawn || only !== null)) faults.add(fault);
  }
  // A second process of a name is refused only while the first is there.
  const staysPut = [...faults].every((fault) => GENTLE.has(fault) && fault !== 'operators');
  if (only === null && !staysPut) faults.delete('twins');
  return faults;
}

function addClusterFaults(faults: Set<FaultName>, draw: Draw, only: ReadonlySet<FaultName> | null): void {
  const gentle = [...faults].every((fault) => GENTLE.has(fault));
  for (const fault of CLUSTER_FAULTS) {
    const drawn = draw.chance(0.6) && (!gentle || SPARES_SESSIONS.has(fault));
    if (only === null ? drawn : only.has(fault)) faults.add(fault);
  }
}

function settingsFor(draw: Draw, shards: number, nodes: number, supervised: boolean): Settings {
  return defaultSettings({
    totalShards: draw.chance(0.8) ? shards : null,
    bucketSize: draw.pick([1, 1, 1, 2]) ?? 1,
    maxShardsPerNode: draw.chance(0.2) ? Math.max(2, Math.ceil(shards / nodes) + 1) : null,
    maxNodeDowntimeMs: draw.whole(8_000, 15_000),
    nodes: supervised ? 0 : nodes,
    canLaunch: !supervised,
    launchTimeoutMs: 8_000,
    launchRetryMs: 3_000,
    startupGraceMs: 4_000,
    migrationStepTimeoutMs: draw.whole(4_000, 9_000),
    freezeTimeoutMs: draw.whole(1_000, 5_000),
    migrationsPerNode: draw.whole(1, 4),
    migrationsTotal: draw.whole(1, 8),
    maxUnavailable: draw.pick([{ count: 1 }, { count: 2 }, { percent: 25 }, { percent: 100 }]) ?? { percent: 25 },
    budgetTimeoutMs: 15_000,
    parkWaitForMs: 1_500,
    parkTtlMs: 25_000,
    takeoversPerNode: draw.whole(1, 4),
    commandTimeoutMs: draw.whole(6_000, 9_000),
    heartbeatIntervalMs: draw.whole(1_000, 3_000),
    identifyTimeoutMs: 12_000,
    allowBaseLevelPeers: true,
  });
}

function rebalanceFor(seed: number): Settings['rebalance'] {
  return drawFor(seed, 'rebalance').pick(['join', 'join', 'auto', 'off']) ?? 'join';
}

function rulesFor(draw: Draw, faults: ReadonlySet<FaultName>): GatewayRules {
  const heartbeatIntervalMs = 4_000;
  return {
    ...defaultRules,
    heartbeatIntervalMs,
    heartbeatTimeoutMs: heartbeatIntervalMs * 2.5,
    maxConcurrency: draw.pick([1, 2, 4, 16]) ?? 4,
    earlyIdentifyDelayMs: 1_000,
    sessionTtlMs: 40_000,
    // Whoever is deaf for two minutes can have everything replayed.
    replayBuffer: faults.has('shortBuffer') ? draw.whole(3, 25) : faults.has('deaf') ? 10_000 : 1_000,
    doubleAttach: faults.has('silentDoubleAttach') ? 'silence-old' : 'close-old',
    reconnectGraceMs: 2_000,
  };
}
