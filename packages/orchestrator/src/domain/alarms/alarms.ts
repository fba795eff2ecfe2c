/**
 * Every alarm there is, and how alarms rise and fall. An alarm stands for as long as its trouble does: nobody raises
 * or clears it by hand. So that nothing flaps, a trouble must have lasted for `riseMs` before it is an alarm, and must
 * have been gone for `fallMs` before the alarm is over.
 */
import type { RaisedAlarm } from '../state/raised-alarms.js';

export type AlarmEntry = {
  level: 'warn' | 'error';
  /** What is wrong, in one sentence. */
  meaning: string;
  /** What to do about it. */
  remedy: string;
  riseMs: number;
  fallMs: number;
};

export type AlarmKind =
  | 'shardsDown'
  | 'gatewayUnreachable'
  | 'credentialsRefused'
  | 'shardRefused'
  | 'shardSilent'
  | 'crashLoop'
  | 'identifyBudgetLow'
  | 'identifyBudgetForecast'
  | 'moreShardsRecommended'
  | 'storeSuspended'
  | 'orchestratorCutOff'
  | 'nodeIdTaken'
  | 'versionSkew'
  | 'botUnwell'
  | 'rolloutsFrozen'
  | 'rolloutStands'
  | 'versionQuarantined';

const MINUTE_MS = 60_000;

export const ALARMS: Readonly<Record<AlarmKind, AlarmEntry>> = {
  shardsDown: {
    level: 'error',
    meaning: 'Shards have been down for longer than `alarms.shardsDownAfter`.',
    remedy: '`dso status` says for each shard why. Nothing has to be done where the reason ends by itself.',
    riseMs: 0,
    fallMs: 5_000,
  },
  gatewayUnreachable: {
    level: 'error',
    meaning: 'More than half of the shards have lost Discord’s gateway, or Discord’s REST API does not answer.',
    remedy: 'Look at discordstatus.com and at the network of the hosts. Sessions are kept and resumed by themselves.',
    riseMs: 10_000,
    fallMs: 5_000,
  },
  credentialsRefused: {
    level: 'error',
    meaning: 'Discord refuses the bot token (401, close code 4004) or the intents (4013, 4014).',
    remedy:
      'Correct the token, or enable the intents in Discord’s developer portal; then restart the bot (`dso rollout`).',
    riseMs: 0,
    fallMs: 5_000,
  },
  shardRefused: {
    level: 'error',
    meaning: 'Discord refuses a shard for good (close codes 4010, 4011, 4012).',
    remedy: 'The reason says which setting is wrong. The shard stays down until its node is replaced.',
    riseMs: 0,
    fallMs: 5_000,
  },
  shardSilent: {
    level: 'warn',
    meaning:
      'A shard is connected and has got no event for much longer than is usual for it. Its session was resumed several times, and Discord had nothing for it.',
    remedy:
      'Look whether its guilds are there and the bot may read them, and at discordstatus.com. Nothing is restarted by itself; `dso migrateshard` gives the shard a connection from another host.',
    riseMs: 0,
    fallMs: 5_000,
  },
  crashLoop: {
    level: 'error',
    meaning:
      'Launched processes die one after the other, or shards are quarantined because nodes died when they were started.',
    remedy:
      'Read the log of the last node that died. Deploy a version that starts; then the quarantines are lifted, or `dso unquarantine all` does it.',
    riseMs: 0,
    fallMs: 10_000,
  },
  identifyBudgetLow: {
    level: 'error',
    meaning: 'The session starts of the day are used up, but for the reserve.',
    remedy:
      'Find out what makes shards IDENTIFY so often. `dso allowidentifies <count>` lets some go beyond the reserve.',
    riseMs: 0,
    fallMs: MINUTE_MS,
  },
  identifyBudgetForecast: {
    level: 'warn',
    meaning: 'At the pace of the last hours the session starts of the day will be used up before the day is over.',
    remedy: 'Find out what makes shards IDENTIFY so often: `dso events` has every one of them.',
    riseMs: MINUTE_MS,
    fallMs: 10 * MINUTE_MS,
  },
  moreShardsRecommended: {
    level: 'warn',
    meaning: 'Discord recommends more shards than run here.',
    remedy: 'Plan a higher totalShards. Discord refuses shards that hold too many guilds (close code 4011).',
    riseMs: 0,
    fallMs: 5 * MINUTE_MS,
  },
  storeSuspended: {
    level: 'error',
    meaning: 'The store cannot be written, so nothing is started, stopped or moved.',
    remedy: 'Make room on the disk, or mend what the reason names. The orchestrator goes on by itself.',
    riseMs: 0,
    fallMs: 0,
  },
  orchestratorCutOff: {
    level: 'error',
    meaning:
      'Most nodes are silent at once, on most of the hosts: the orchestrator itself may be cut off. Nothing is taken over or moved.',
    remedy:
      'Look at the network of this host. What is dead for certain, say so: `dso takeover --host <host>`, `dso takeover <node>`.',
    riseMs: 0,
    fallMs: 0,
  },
  nodeIdTaken: {
    level: 'error',
    meaning: 'A second process uses the id of a node that is connected, and is refused.',
    remedy: 'Give each process an id of its own (DSO_NODE_ID), or none; or end one of the two.',
    riseMs: 0,
    fallMs: 0,
  },
  versionSkew: {
    level: 'warn',
    meaning: 'Nodes of different versions have shards, and no rollout is under way.',
    remedy: 'Finish the deploy: `dso rollout`. `dso status` shows the version of each node.',
    riseMs: 15 * MINUTE_MS,
    fallMs: 0,
  },
  botUnwell: {
    level: 'error',
    meaning: 'A bot says of itself that it is not well (`node.health()`), or has failed its self test.',
    remedy: 'The reason is the bot’s own. A rollout to such a version is reverted; a bot that serves goes on serving.',
    riseMs: 10_000,
    fallMs: 10_000,
  },
  rolloutsFrozen: {
    level: 'error',
    meaning: 'Two rollouts were reverted within 30 minutes, so none is begun until somebody insists.',
    remedy: 'Find out why they were: `dso rollout history`. Then deploy a version that works: `dso rollout --force`.',
    riseMs: 0,
    fallMs: 0,
  },
  rolloutStands: {
    level: 'warn',
    meaning: 'A rollout has gone no further for a while: it is paused, waits for promotion, or cannot move shards.',
    remedy: '`dso rollout status` says what it waits for. Let it go on (`dso rollout resume`), or `dso rollout undo`.',
    riseMs: 15 * MINUTE_MS,
    fallMs: 0,
  },
  versionQuarantined: {
    level: 'warn',
    meaning: 'The version that launches would start was reverted, so nothing is launched while a node is up.',
    remedy: 'Deploy another version, and `dso rollout`. `dso rollout --force` gives this version another try.',
    riseMs: 0,
    fallMs: 0,
  },
};

/** What is wrong now, whether or not it is an alarm yet. */
export type Trouble = {
  /** Two troubles of one kind are two alarms if their keys differ. */
  key: string;
  kind: AlarmKind;
  /** null: not known; then it began when it was first seen. */
  since: number | null;
  /** In a sentence. */
  reason: string;
  shards: readonly number[];
  nodes: readonly string[];
};

export type Alarm = Trouble & Pick<AlarmEntry, 'level' | 'remedy'> & { since: number; raisedAt: number };

type Watched = {
  trouble: Trouble & { since: number };
  seenAt: number;
  /** null: not an alarm yet. */
  raisedAt: number | null;
  /** Since when the trouble is gone; null: there it is. */
  goneAt: number | null;
  /** Of an earlier run: it does not count as gone before that. */
  heldUntil?: number;
};

export type AlarmBook = ReadonlyMap<string, Watched>;

export const NO_ALARMS: AlarmBook = new Map();

export type AlarmStep = { book: AlarmBook; raised: readonly Alarm[]; cleared: readonly Alarm[] };

/** One look at the troubles of now. @param now grows; only its differences count, but for what is shown as a time. */
export function lookAt(book: AlarmBook, troubles: readonly Trouble[], now: number): AlarmStep {
  const next = new Map<string, Watched>();
  const raised: Alarm[] = [];
  const cleared: Alarm[] = [];
  for (const trouble of troubles) {
    const known = book.get(trouble.key);
    const seenAt = known?.seenAt ?? now;
    const since = trouble.since ?? known?.trouble.since ?? now;
    const isDue = seenAt + ALARMS[trouble.kind].riseMs <= now;
    const raisedAt = known?.raisedAt ?? (isDue ? now : null);
    const watched: Watched = { trouble: { ...trouble, since }, seenAt, raisedAt, goneAt: null };
    next.set(trouble.key, watched);
    if (raisedAt !== null && (known?.raisedAt ?? null) === null) raised.push(alarmOf(watched, raisedAt));
  }
  for (const [key, known] of book) {
    if (next.has(key) || known.raisedAt === null) continue;
    const goneAt = known.goneAt ?? Math.max(now, known.heldUntil ?? now);
    if (goneAt + ALARMS[known.trouble.kind].fallMs > now) next.set(key, { ...known, goneAt });
    else cleared.push(alarmOf(known, known.raisedAt));
  }
  return { book: next, raised, cleared };
}

/**
 * What an earlier run of the orchestrator has raised, so that it is told of once. @param heldUntil when everybody who
 * comes back is back: before that nothing is over.
 */
export function restoredBook(raised: Iterable<RaisedAlarm>, heldUntil: number): AlarmBook {
  const book = new Map<string, Watched>();
  for (const { kind, raisedAt, ...trouble } of raised) {
    if (!isKind(kind)) continue;
    book.set(trouble.key, { trouble: { ...trouble, kind }, seenAt: raisedAt, raisedAt, goneAt: null, heldUntil });
  }
  return book;
}

function isKind(kind: string): kind is AlarmKind {
  return Object.hasOwn(ALARMS, kind);
}

/** The gravest first, then the oldest. */
export function alarmsOf(book: AlarmBook): readonly Alarm[] {
  const all = [...book.values()].flatMap((each) => (each.raisedAt === null ? [] : [alarmOf(each, each.raisedAt)]));
  return all.sort((a, b) => (a.level === b.level ? a.since - b.since : a.level === 'error' ? -1 : 1));
}

function alarmOf({ trouble }: Watched, raisedAt: number): Alarm {
  const { level, remedy } = ALARMS[trouble.kind];
  return { ...trouble, level, remedy, raisedAt };
}
