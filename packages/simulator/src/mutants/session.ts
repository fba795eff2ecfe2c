/** Seeded bugs in what a node and the orchestrator say to each other around a move, a resume and a connection. */
import type { NodeOptions, ShardHost } from '@dshard/node';
import type { Decide, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';

/** No node knows the steps that are for user code. */
function withoutWarmUp(state: OrchestratorState): OrchestratorState {
  const nodes = [...state.nodes].map(([id, node]) => {
    const { connection } = node;
    if (connection.kind === 'disconnected') return [id, node] as const;
    const capabilities = connection.capabilities.filter((capability) => capability !== 'warm-up');
    return [id, { ...node, connection: { ...connection, capabilities } }] as const;
  });
  return { ...state, nodes: new Map(nodes) };
}

/** What nodes can do is as it was. */
function withCapabilitiesOf(before: OrchestratorState, after: OrchestratorState): OrchestratorState {
  const nodes = [...after.nodes].map(([id, node]) => {
    const was = before.nodes.get(id)?.connection;
    const { connection } = node;
    if (was === undefined || was.kind === 'disconnected' || connection.kind === 'disconnected')
      return [id, node] as const;
    return [id, { ...node, connection: { ...connection, capabilities: was.capabilities } }] as const;
  });
  return { ...after, nodes: new Map(nodes) };
}

const freezesBeforeWarm =
  (decide: Decide): Decide =>
  (state, event, now) => {
    if (event.kind !== 'message' || event.message.kind !== 'transferCopied') return decide(state, event, now);
    const decision = decide(withoutWarmUp(state), event, now);
    return { ...decision, state: withCapabilitiesOf(state, decision.state) };
  };

/** What the old orchestrator did: a resume has its bound whatever the node says, and its session goes with it. */
const givesUpOnSilence =
  (decide: Decide): Decide =>
  (state, event, now) => {
    const decision = decide(state, event, now);
    const isHeartbeat = event.kind === 'message' && event.message.kind === 'heartbeat';
    const shards = decision.state.shards.map((shard, id) => {
      const before = state.shards[id];
      if (before?.kind !== 'starting' || before.step !== 'resume') return shard;
      if (isHeartbeat && shard.kind === 'starting') return { ...shard, deadline: before.deadline };
      return shard.kind === 'stopping' || shard.kind === 'vacant' ? { ...shard, known: null } : shard;
    });
    const migrations = [...decision.state.migrations].map(([id, migration]) => {
      const before = state.migrations.get(id);
      const isRetained = isHeartbeat && before !== undefined && before.step.kind === migration.step.kind;
      return [id, isRetained ? { ...migration, deadline: before.deadline } : migration] as const;
    });
    return { ...decision, state: { ...decision.state, shards, migrations: new Map(migrations) } };
  };

/** Whoever names a node id is taken for the process that had it. */
const replacesWhoeverLives =
  (decide: Decide): Decide =>
  (state, event, now) => {
    if (event.kind !== 'identify') return decide(state, event, now);
    const node = state.nodes.get(event.message.nodeId);
    if (node === undefined || event.message.instance === undefined) return decide(state, event, now);
    const taken = { ...node, instance: event.message.instance };
    return decide({ ...state, nodes: new Map(state.nodes).set(node.id, taken) }, event, now);
  };

/** The host with some of its methods changed. */
function withHost(options: NodeOptions, methods: (host: ShardHost) => Partial<ShardHost>): NodeOptions {
  const { host } = options;
  const changed = methods(host);
  return {
    ...options,
    host: new Proxy(host, {
      get: (target, name: keyof ShardHost) => {
        const method = changed[name] ?? target[name];
        return typeof method === 'function' ? method.bind(target) : method;
      },
    }),
  };
}

export const SESSION_MUTANTS: Readonly<Record<string, Mutant>> = {
  'freezes-before-warm': {
    bug: 'the orchestrator freezes a shard before its destination is ready for it',
    decide: freezesBeforeWarm,
    faults: ['operators'],
  },
  'no-way-to-the-gateway': {
    bug: 'a node says that it is warm although it has no way to the gateway, and the origin lets go',
    faults: ['operators', 'notReady'],
    node: (options) =>
      withHost(options, (host) => ({
        preconnect: async (shardId, session, context) => {
          try {
            await host.preconnect?.(shardId, session, context);
          } catch {
            // It will do without.
          }
        },
      })),
  },
  'hurries-user-code': {
    bug: 'a node says that a shard may leave while user code is at it',
    faults: ['operators'],
    node: (options) =>
      withHost(options, (host) => ({
        leaving: (shardId, how) => {
          void host.leaving?.(shardId, how);
        },
      })),
  },
  'gives-up-on-silence': {
    bug: 'a session is given up when its resume was not answered in time',
    decide: givesUpOnSilence,
    faults: ['operators', 'away'],
  },
  'two-owners-of-one-id': {
    bug: 'a second process with the node id of one that lives takes its place',
    decide: replacesWhoeverLives,
    faults: ['twins'],
  },
};
