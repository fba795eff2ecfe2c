/**
 * The metrics of each node, as its last heartbeat said. Counters of a node begin anew with its process. A node that is
 * not connected has `dso_node_connected` 0 and none of the figures: what it said last is not how it is now.
 */
import type { NodeSignals, ProcessReport } from '@dshard/protocol';
import { hasSaidGoodbye, isConnected, isLeaving } from '../domain/state/nodes.js';
import { isCordoned } from '../domain/state/hosts.js';
import type { NodeState } from '../domain/state/state.js';
import type { Metrics } from './ledger.js';
import { seconds, type Look, type Metric, type Sample } from './metric.js';

const NODE: readonly string[] = ['node'];
const INTENTS = ['serving', 'cordoned', 'leaving', 'shuttingDown', 'lingering'] as const;

export const NODE_METRICS: Metrics = {
  dso_nodes: {
    kind: 'gauge',
    help: 'Nodes by what their connection is: connected, awaitingTotal (the shard count is not decided yet), away, or gone (known not to run any more).',
    labels: ['state'],
    read: ({ state }) =>
      counts(['connected', 'awaitingTotal', 'away', 'gone'], [...state.nodes.values()].map(connectionOf)),
  },
  dso_nodes_by_intent: {
    kind: 'gauge',
    help: 'Connected nodes by what is to become of them.',
    labels: ['intent'],
    read: ({ state }) =>
      counts(
        INTENTS,
        [...state.nodes.values()].filter(isConnected).map((node) => intentOf(state, node)),
      ),
  },
  dso_node_info: {
    kind: 'gauge',
    help: 'Always 1; the labels say which version a node runs, and where.',
    labels: ['node', 'version', 'host', 'zone'],
    read: ({ state }) =>
      [...state.nodes.values()].map(({ id, version, host, zone }) => [1, id, version, host ?? '', zone ?? '']),
  },
  dso_node_connected: perNode('1: the node is connected. 0: it is not.', (node) => (isConnected(node) ? 1 : 0)),
  dso_node_shards: perNode(
    'Shards that the node has, those that move away from it included.',
    ({ id }, { shardsByNode }) => shardsByNode.get(id)?.length ?? 0,
  ),
  dso_node_restarts_total: perNode(
    'How often another process has come back under the id of this node.',
    ({ restarts }) => restarts,
    'counter',
  ),
  dso_node_guilds: perNode('Guilds of the shards of the node, where it says so.', ({ shardReports }) => {
    const known = shardReports.filter(({ guilds }) => guilds >= 0);
    return known.length === 0 ? null : known.reduce((sum, { guilds }) => sum + guilds, 0);
  }),
  dso_node_gateway_ping_seconds: perNode(
    'The longest round trip to Discord’s gateway among the shards of the node.',
    ({ shardReports }) => {
      const longest = shardReports.reduce((most, { pingMs }) => Math.max(most, pingMs), -1);
      return longest < 0 ? null : seconds(longest);
    },
  ),
  dso_node_memory_bytes: ofProcess('Memory of the node’s process (resident set size).', (said) => said.memoryBytes),
  dso_node_cpu_ratio: ofProcess(
    'CPU that the node’s process used between its last two heartbeats; 1 is a whole core.',
    ({ cpuPercent }) => cpuPercent / 100,
  ),
  dso_node_event_loop_delay_seconds: ofProcess(
    'How late the event loop of the node comes to what is due.',
    ({ eventLoopDelayMs }, signals) => seconds(Math.max(eventLoopDelayMs, signals?.eventLoopDelayMs ?? 0)),
  ),
  dso_node_uptime_seconds: ofProcess('How long the process of the node runs.', ({ uptimeMs }) => seconds(uptimeMs)),
  dso_node_healthy: ofSignals(
    '1: the bot says of itself that it is well, and its self test did not fail. 0: it does not. Bots without an opinion have no sample.',
    ({ health, selfTest }) => (health === null && selfTest === 'none' ? null : isWell(health, selfTest) ? 1 : 0),
    'gauge',
  ),
  dso_node_events_total: ofSignals('Gateway events that the node handed to the bot.', ({ events }) => events),
  dso_node_handler_errors_total: ofSignals(
    'Handlers of the bot that threw or rejected.',
    ({ handlerErrors }) => handlerErrors,
  ),
  dso_node_handler_seconds_total: ofSignals('Time that handlers of the bot took, summed up.', ({ handlerMs }) =>
    seconds(handlerMs),
  ),
  dso_node_resumes_refused_total: ofSignals(
    'Sessions of the node that Discord refused to resume.',
    ({ resumesRefused }) => resumesRefused,
  ),
  dso_node_imports_failed_total: ofSignals(
    'Shards whose state the bot did not take.',
    ({ importsFailed }) => importsFailed,
  ),
  dso_node_send_queue_bytes: perNode(
    'What the orchestrator has to send to the node, and the node has not taken yet.',
    ({ connection }, { connections }) =>
      connection.kind === 'disconnected' ? null : (connections.queuedBytes.get(connection.connection) ?? null),
  ),
};

function perNode(
  help: string,
  valueOf: (node: NodeState, look: Look) => number | null,
  kind: 'gauge' | 'counter' = 'gauge',
): Metric {
  return {
    kind,
    help,
    labels: NODE,
    read: (look) => [...look.state.nodes.values()].map((node) => [valueOf(node, look), node.id]),
  };
}

function ofProcess(help: string, valueOf: (said: ProcessReport, signals: NodeSignals | null) => number | null): Metric {
  return perNode(help, (node) =>
    node.process === null || !isConnected(node) ? null : valueOf(node.process, node.signals),
  );
}

function ofSignals(
  help: string,
  valueOf: (signals: NodeSignals) => number | null,
  kind: 'gauge' | 'counter' = 'counter',
): Metric {
  return perNode(help, (node) => (node.signals === null || !isConnected(node) ? null : valueOf(node.signals)), kind);
}

function connectionOf({ connection }: NodeState): string {
  if (connection.kind !== 'disconnected') return connection.kind;
  return connection.gone ? 'gone' : 'away';
}

function intentOf(state: Look['state'], node: NodeState): string {
  if (hasSaidGoodbye(node)) return 'lingering';
  return !isLeaving(node) && isCordoned(state, node) ? 'cordoned' : node.intent.kind;
}

function isWell(health: NodeSignals['health'], selfTest: NodeSignals['selfTest']): boolean {
  return health?.ok !== false && selfTest !== 'failed';
}

/** How many of each, also of those of which there is none. */
export function counts(kinds: readonly string[], found: Iterable<string>): Sample[] {
  const numbers = new Map(kinds.map((kind) => [kind, 0]));
  for (const kind of found) numbers.set(kind, (numbers.get(kind) ?? 0) + 1);
  return [...numbers].map(([kind, number]) => [number, kind]);
}
