/** The bugs that the simulator has to find, by the name that `--mutate` takes. */
import type { ShardHost } from '@dshard/node';
import type { Decide, Effect, ShardState } from '@dshard/orchestrator/domain';
import { EPOCH_MUTANTS } from './epochs.js';
import { GATEWAY_SHARD_MUTANTS } from './gateway-shard.js';
import { GROUP_COMMIT_MUTANTS } from './group-commit.js';
import { HOSTS_MUTANTS } from './hosts.js';
import { LEADERSHIP_MUTANTS } from './leadership.js';
import { sending, type Mutant } from './mutant.js';
import { ROLLOUT_MUTANTS } from './rollout.js';
import { PLACEMENT_MUTANTS } from './placement.js';
import { PARKING_MUTANTS } from './parking.js';
import { SESSION_MUTANTS } from './session.js';
import { SPREAD_MUTANTS } from './spread.js';
import { SIGNALS_MUTANTS } from './signals.js';
import { WATCH_MUTANTS } from './watch.js';

type Send = Extract<Effect, { kind: 'send' }>;

/** The host with some of its methods changed. */
function changed(host: ShardHost, methods: Partial<ShardHost>): ShardHost {
  return new Proxy(host, {
    get: (target, name: keyof ShardHost) => {
      const method = methods[name] ?? target[name];
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}

const isUserEvent = (effect: Effect): effect is Send => effect.kind === 'send' && effect.message.kind === 'userEvent';

/** Each user event is held until the next one was sent. */
const swapsUserEvents = (decide: Decide): Decide => {
  let held: Effect | null = null;
  return (state, event, now) => {
    const decision = decide(state, event, now);
    const effects: Effect[] = [];
    for (const effect of decision.effects) {
      if (isUserEvent(effect) && held === null) {
        held = effect;
        continue;
      }
      effects.push(effect);
      if (held !== null) effects.push(held);
      held = null;
    }
    return { ...decision, effects };
  };
};

/** The node that a migration goes to says that it has verified what came. */
const verifiesByItself =
  (decide: Decide): Decide =>
  (state, event, now) => {
    const decision = decide(state, event, now);
    if (event.kind !== 'message' || event.message.kind !== 'transferManifest') return decision;
    const { migrationId, shardId } = event.message;
    const migration = decision.state.migrations.get(migrationId);
    const connection = decision.state.nodes.get(migration?.destination ?? '')?.connection;
    if (connection?.kind !== 'connected') return decision;
    const message = { kind: 'transferVerified', migrationId, shardId, ok: true, reason: '' } as const;
    const next = decide(decision.state, { kind: 'message', connection: connection.connection, message }, now);
    return { ...next, effects: [...decision.effects, ...next.effects] };
  };

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  ...EPOCH_MUTANTS,
  ...GROUP_COMMIT_MUTANTS,
  ...LEADERSHIP_MUTANTS,
  ...PLACEMENT_MUTANTS,
  ...SESSION_MUTANTS,
  ...GATEWAY_SHARD_MUTANTS,
  ...SPREAD_MUTANTS,
  ...WATCH_MUTANTS,
  ...SIGNALS_MUTANTS,
  ...ROLLOUT_MUTANTS,
  ...PARKING_MUTANTS,
  ...HOSTS_MUTANTS,
  'half-state': {
    bug: 'the host sends only a part of the state of a shard',
    host: { sendsWholeState: false },
  },
  'no-take-back': {
    bug: 'the node never takes a shard back: resuming one that was its own does nothing',
    node: (options) => {
      const { host } = options;
      const leaving = new Set<number>();
      return {
        ...options,
        host: changed(host, {
          freeze: async (shardId) => {
            leaving.add(shardId);
            return host.freeze(shardId);
          },
          unfreeze: () => undefined,
          prepareTransferTo: async (shardId, session) => {
            leaving.delete(shardId);
            await host.prepareTransferTo?.(shardId, session);
          },
          resumeShard: async (shardId, session, context) => {
            if (!leaving.has(shardId)) await host.resumeShard(shardId, session, context);
          },
        }),
      };
    },
  },
  'swapped-user-events': {
    bug: 'the orchestrator forwards user events out of order',
    decide: swapsUserEvents,
  },
  'stale-session': {
    bug: 'the orchestrator hands on a session with a sequence that is one too old',
    decide: sending((message) => {
      const older = <S extends { sequence: number | bigint }>(session: S): S => ({
        ...session,
        sequence: Math.max(0, Number(session.sequence) - 1),
      });
      if (message.kind === 'resumeShards') return { ...message, shards: message.shards.map(older) };
      if (message.kind !== 'prepareMigration' || message.origin || message.session === null) return message;
      return { ...message, session: older(message.session) };
    }),
  },
  'no-abort': {
    bug: 'the orchestrator forgets to tell nodes that a migration is off',
    decide: sending((message) => (message.kind === 'transferAbort' ? null : message)),
  },
  'no-release': {
    bug: 'the orchestrator forgets to tell an origin that its shard has moved',
    decide: sending((message) => (message.kind === 'transferDone' ? null : message)),
  },
  'no-conflict': {
    bug: 'the orchestrator does not tell nodes to stop a shard',
    decide: sending((message) => (message.kind === 'stopShard' ? null : message)),
  },
  'forgets-changes': {
    bug: 'the host does not send what changed while the state was copied',
    host: { sendsChanges: false },
  },
  'acts-before-commit': {
    bug: 'messages are sent before the record that justifies them is durable',
    lateStore: true,
  },
  'releases-unverified': {
    bug: 'the origin is told to release its shard before the manifest is verified',
    decide: verifiesByItself,
    inModel: true,
  },
  'no-unfreeze-timeout': {
    bug: 'a frozen shard waits for ever to be released',
    decide: sending((message) =>
      message.kind === 'transferOpen' ? { ...message, freezeTimeoutMs: 3_600_000 } : message,
    ),
    faults: ['operators', 'slowState', 'partitions', 'pauses'],
  },
  'grants-twice-after-crash': {
    bug: 'the orchestrator forgets, when it starts again, which permits it gave',
    decide: (decide) => (state, event, now) => {
      if (event.kind !== 'started') return decide(state, event, now);
      return decide({ ...state, startedAt: 0, identifies: { ...state.identifies, keys: {} } }, event, now);
    },
    faults: ['orchestrator', 'op9false'],
  },
  'grants-at-once': {
    bug: 'the orchestrator lets every node identify at once',
    decide: (decide) => (state, event, now) => {
      const open = { ...state, identifies: { ...state.identifies, keys: {} } };
      return decide(open, event, now);
    },
  },
  'forgets-session': {
    bug: 'the orchestrator forgets the session of a migration that failed after the point of no return',
    decide: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const shards = decision.state.shards.map((shard) =>
        shard.kind === 'vacant' && shard.known !== null ? { ...shard, known: null } : shard,
      );
      return { ...decision, state: { ...decision.state, shards } };
    },
  },
  'ignores-budget': {
    bug: 'the orchestrator moves shards however many are down',
    decide: (decide) => (state, event, now) => {
      const { settings } = state;
      const decision = decide({ ...state, settings: { ...settings, maxUnavailable: { percent: 100 } } }, event, now);
      return { ...decision, state: { ...decision.state, settings } };
    },
  },
  'ignores-alarm': {
    bug: 'the orchestrator takes shards from silent nodes although most nodes are silent',
    decide: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      if (decision.state.alarm === null) return decision;
      const shards = decision.state.shards.map((shard): ShardState =>
        shard.kind === 'unreachable' && shard.since + state.settings.maxNodeDowntimeMs <= now
          ? { kind: 'vacant', since: now, notBefore: now, known: shard.known }
          : shard,
      );
      return { ...decision, state: { ...decision.state, shards } };
    },
    // Most nodes have to be away at once, for longer than maxNodeDowntime.
    faults: ['partitions', 'pauses'],
  },
  'forgets-cancel': {
    bug: 'the orchestrator forgets that an operation was cancelled',
    decide: (decide) => (state, event, now) => {
      const operations = new Map(
        [...state.operations].map(([id, operation]) => [id, { ...operation, cancelled: null }]),
      );
      return decide({ ...state, operations }, event, now);
    },
  },
  'forgets-crashes': {
    bug: 'the orchestrator forgets that launches failed',
    decide: (decide) => (state, event, now) => decide({ ...state, crashLoops: new Map() }, event, now),
  },
  'forgets-quarantine': {
    bug: 'the orchestrator forgets that a shard is quarantined',
    decide: (decide) => (state, event, now) => {
      const crashRecords = new Map([...state.crashRecords].filter(([, { quarantinedAt }]) => quarantinedAt === null));
      return decide({ ...state, crashRecords }, event, now);
    },
  },
};
