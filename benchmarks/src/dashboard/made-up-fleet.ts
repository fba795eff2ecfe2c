/**
 * A fleet for the page to show, as `GET /v1/live` would tell of it: so many shards on so many nodes, of which some
 * migrate, drop out and come back all the time. What is measured is the page, so no orchestrator is behind it.
 */
import {
  LIVE_CONDITIONS,
  type LiveDelta,
  type LiveNode,
  type LiveShardChanges,
  type LiveSnapshot,
} from '@dshard/api/live';
import type { ShardConditionKind } from '@dshard/api';
import { seededRandom, type Random } from '@dshard/transport';

export type FleetSize = { readonly shards: number; readonly nodes: number; readonly hosts: number };

const START = 1_760_000_000_000;
const placeOf = (kind: ShardConditionKind): number => LIVE_CONDITIONS.indexOf(kind);

export class MadeUpFleet {
  readonly #random: Random = seededRandom(7);
  readonly #size: FleetSize;
  readonly #node: number[];
  readonly #condition: number[];
  readonly #since: number[];
  readonly #rate: number[];
  #now = START;
  #entries = 0;

  constructor(size: FleetSize) {
    this.#size = size;
    const { shards, nodes } = size;
    this.#node = Array.from({ length: shards }, (_, shard) => Math.floor((shard * nodes) / shards));
    this.#condition = Array<number>(shards).fill(placeOf('up'));
    this.#since = Array<number>(shards).fill(START - 3_600_000);
    this.#rate = Array.from({ length: shards }, () => this.#someRate());
  }

  snapshot(): LiveSnapshot {
    const { nodes, hosts } = this.#size;
    const budget = { total: 20_000, remaining: 18_400, reserve: 1_000, used: 1_600, allowed: 0, resetAt: START + 4e7 };
    const all = Array.from({ length: nodes }, (_, at) => nodeAt(at, hosts));
    return {
      now: this.#now,
      fleet: {
        version: '0.1.0',
        startedAt: START - 9e6,
        epoch: 3,
        leader: { host: 'orchestrator-a', pid: 4_120 },
        store: { name: 'sqlite', epoch: 3, state: 'open', since: START - 9e6, problem: null },
        readiness: { ready: true, missing: [] },
        totalShards: this.#size.shards,
        conditionCounts: this.#counts(),
        disruption: { moving: 0, down: 0, limit: 50 },
        gatewayProblem: null,
        cutOff: null,
        ending: false,
        launches: 0,
        waitingMigrations: 0,
        heartbeatIntervalMs: 2_500,
        versions: {
          deployed: 'v1',
          running: [{ version: 'v1', nodes, shards: this.#size.shards }],
          quarantined: [],
          frozen: false,
        },
        identifies: {
          maxConcurrency: 16,
          windowMs: 5_000,
          budget,
          shortSince: null,
          waiting: 0,
          waitingUntil: null,
          lastsUntil: null,
        },
      },
      hosts: Array.from({ length: hosts }, (_, at) => ({
        name: hostAt(at),
        zone: null,
        nodes: all.filter(({ host }) => host === hostAt(at)).map(({ id }) => id),
        cordoned: null,
        deadSince: null,
      })),
      nodes: all,
      figures: all.map(() => ({
        at: this.#now,
        memoryBytes: 4e8,
        cpuPercent: 20,
        eventLoopDelayMs: 1,
        uptimeMs: 3.6e6,
        eventsPerSecond: 900,
        handlerErrors: 0,
      })),
      shards: {
        node: [...this.#node],
        condition: [...this.#condition],
        since: [...this.#since],
        rate: [...this.#rate],
      },
      migrations: [],
      operations: [],
      rollout: null,
      alarms: [],
      history: [],
    };
  }

  /** So many shards change after so many milliseconds: most their rate, some their condition, a few their node. */
  change(count: number, ms: number): LiveDelta {
    this.#now += ms;
    const ids = new Set<number>();
    while (ids.size < Math.min(count, this.#size.shards)) ids.add(this.#whole(this.#size.shards));
    for (const id of ids) this.#changeOne(id);
    const id = [...ids];
    const column = (values: readonly number[]): number[] => id.map((each) => values[each] ?? 0);
    const shards: LiveShardChanges = {
      length: this.#size.shards,
      id,
      node: column(this.#node),
      condition: column(this.#condition),
      since: column(this.#since),
      rate: column(this.#rate),
    };
    this.#entries += 1;
    const text = `Shard ${id[0] ?? 0} is up (READY or RESUMED).`;
    const entry = { id: this.#entries, at: this.#now, name: 'shardsUp', level: 'info', text, by: 'automatic' } as const;
    return { now: this.#now, shards, history: [{ ...entry, fields: { shards: id.slice(0, 3) } }] };
  }

  #changeOne(id: number): void {
    const draw = this.#random.next();
    if (draw < 0.5) {
      this.#rate[id] = this.#someRate();
      return;
    }
    const isUp = this.#condition[id] === placeOf('up');
    if (isUp && draw < 0.55) this.#node[id] = this.#whole(this.#size.nodes);
    const next: ShardConditionKind = isUp ? (draw < 0.8 ? 'migrating' : 'disconnected') : 'up';
    this.#condition[id] = placeOf(next);
    this.#since[id] = this.#now;
  }

  #counts(): LiveSnapshot['fleet']['conditionCounts'] {
    const counts = Object.fromEntries(LIVE_CONDITIONS.map((kind) => [kind, 0])) as Record<ShardConditionKind, number>;
    for (const place of this.#condition) counts[LIVE_CONDITIONS[place] ?? 'vacant'] += 1;
    return counts;
  }

  #whole(below: number): number {
    return Math.floor(this.#random.next() * below);
  }

  #someRate(): number {
    return Number((10 ** (this.#random.next() * 3 - 1)).toPrecision(2));
  }
}

function hostAt(at: number): string {
  return `host-${String.fromCharCode(97 + at)}`;
}

function nodeAt(at: number, hosts: number): LiveNode {
  const id = `web-${String(at + 1).padStart(2, '0')}`;
  return {
    id,
    host: hostAt(at % hosts),
    version: 'v1',
    pid: 5_000 + at,
    connection: 'connected',
    gone: false,
    since: START - 3_600_000,
    intent: 'serving',
    zone: null,
    restarts: 0,
    suspicion: null,
  };
}
