/**
 * The kinds of operations: what `POST /v1/operations` takes to start one, and the commands of `dso` that start one and
 * wait for its end. A kind is listed, shown, watched and cancelled like every other, so this is all that REST and the
 * command line know of it.
 */
import { duration, flag, hostName, nodeId, nodeList, orNull, text, wholeNumber, type Field } from './values/field.js';
import type { CommandWords, Parameters } from './endpoint.js';

/** What each kind takes, as the server has it when the parameters were read. */
export type OperationPlans = {
  drain: {
    origins: readonly string[];
    host: string | null;
    destination: string | null;
    shutdown: boolean;
    deadline: number | null;
  };
  rebalance: object;
  scale: { nodes: number };
  takeover: { nodes: readonly string[]; host: string | null; force: boolean };
  rollout: {
    bake: number;
    canary: number | null;
    surge: number | null;
    fast: boolean;
    manual: boolean;
    force: boolean;
    to: string | null;
    keepOld: number;
  };
};

export type OperationKind = keyof OperationPlans;

export type OperationEntry<Takes extends object> = {
  /** For the reference page. */
  readonly about: string;
  readonly parameters: Parameters<Takes>;
  /** The first is the ancestor's, where it has one. */
  readonly commands: readonly (Omit<CommandWords<keyof Takes & string>, 'interrupt'> & {
    /** What the command says without being told. */
    readonly presets?: Readonly<Record<string, string>>;
  })[];
};

const DAY_MS = 86_400_000;
const node: Field<string> = nodeId();

export const OPERATION_KINDS: { readonly [K in OperationKind]: OperationEntry<OperationPlans[K]> } = {
  drain: {
    about:
      'moves all shards of nodes (`web-1,web-2`, or a list in JSON), or of all nodes of a `host`, to the `destination`, or to all other nodes; with `shutdown` then shuts the nodes down; after the `deadline` (`10m`) no further shard is moved',
    parameters: {
      origins: { field: nodeList(), fallback: [] },
      host: { field: orNull(hostName(), 'none'), fallback: null },
      destination: { field: orNull(node, 'none'), fallback: null },
      shutdown: { field: flag(), fallback: false },
      deadline: { field: orNull(duration({ min: 1 }), 'none'), fallback: null },
    },
    commands: [
      {
        name: 'drain',
        help: 'move all shards of nodes to the other nodes, live',
        details:
          'Each shard goes to the open node with the fewest shards; where there is none, the launcher starts one. The drained nodes stay\n' +
          'connected, and get shards again when the drain is over: `dso cordon` keeps them empty, `dso cordon --host` a host with all that\n' +
          'joins from it.',
        examples: [
          'dso drain web-1',
          'dso drain web-1 web-2 --deadline 10m',
          'dso drain web-1 --destination web-3 --shutdown',
          'dso cordon --host rack-2 && dso drain --host rack-2',
        ],
        arguments: [{ shown: 'node...', parameter: 'origins', optional: true }],
        options: [
          { flags: '--host <host>', help: 'all nodes of this host' },
          { flags: '--destination <node>', help: 'to this node instead of all others' },
          { flags: '--deadline <time>', help: 'such as 10m: what has not moved by then stays, and the exit code is 1' },
          { flags: '--shutdown', help: 'shut the nodes down when all their shards have moved' },
        ],
      },
      {
        name: 'migratenode',
        help: 'move all shards of a node to another node, then shut the first node down',
        examples: ['dso migratenode web-1 web-2', 'dso migratenode web-1 web-2 --no-shutdown'],
        arguments: [
          { shown: 'from', parameter: 'origins' },
          { shown: 'to', parameter: 'destination' },
        ],
        options: [{ flags: '--no-shutdown', help: 'leave the drained node running' }],
      },
    ],
  },
  rebalance: {
    about: 'moves the fewest shards that spread them evenly over the open nodes',
    parameters: {},
    commands: [
      {
        name: 'rebalance',
        help: 'move the fewest shards that spread them evenly over the open nodes',
        details:
          'By itself the orchestrator fills nodes that join or come back, and mends what has 1.5 times the average (the setting rebalance).\n' +
          'Not during a rollout, a drain or a takeover, and not while nodes run different versions.',
        examples: ['dso rebalance', 'dso rebalance --dry-run'],
      },
    ],
  },
  scale: {
    about:
      'keeps so many nodes up: more are launched and get shards, those that are too many are drained and shut down',
    parameters: { nodes: { field: wholeNumber({ min: 1, max: 1000 }) } },
    commands: [
      {
        name: 'scale',
        help: 'keep so many nodes up; new ones get shards, and nodes that are too many are drained first',
        details:
          'The number is remembered over a restart of the orchestrator, until `nodes` in its configuration says another number than it does now.\n' +
          'Nodes that the launcher did not start count, and are left alone.',
        examples: ['dso scale 4', 'dso scale 2 --dry-run'],
        arguments: [{ shown: 'nodes', parameter: 'nodes' }],
      },
    ],
  },
  takeover: {
    about:
      'says that nodes, or all nodes of a `host`, are dead: their shards are resumed elsewhere at once; with `force` also nodes that are connected and heard',
    parameters: {
      nodes: { field: nodeList(), fallback: [] },
      host: { field: orNull(hostName(), 'none'), fallback: null },
      force: { field: flag(), fallback: false },
    },
    commands: [
      {
        name: 'takeover',
        help: 'say that nodes, or a host with all its nodes, are dead: their shards are resumed elsewhere at once',
        details:
          'The orchestrator takes over by itself: a node whose process ended at once, a silent node after maxNodeDowntime. When most nodes, on\n' +
          'most hosts, are silent at once, no node is taken over, because the orchestrator may be cut off. Use this command then for what is\n' +
          'dead for certain, or when a scheduler knows that a host is gone and nobody should wait for its silence. What is connected and heard\n' +
          'is refused without --force. A node that lives all the same lets go as soon as it is in touch; until then some events come twice.\n' +
          'Asked again, there is nothing left to do, and the exit code is 0. A node that joins from the host gets shards again.',
        examples: ['dso takeover web-3', 'dso takeover --host rack-2 --dry-run', 'dso takeover --host rack-2 --yes'],
        arguments: [{ shown: 'node...', parameter: 'nodes', optional: true }],
        options: [
          { flags: '--host <host>', help: 'all nodes of this host' },
          { flags: '--force', help: 'also what is connected and heard' },
        ],
      },
    ],
  },
  rollout: {
    about:
      'replaces every node that was launched here by a new node with the deployed version: canary first, watched, and reverted if the new version fails',
    parameters: {
      bake: { field: duration({ max: DAY_MS }), fallback: 60_000 },
      canary: { field: orNull(wholeNumber({ min: 1 }), '1%'), fallback: null },
      surge: { field: orNull(wholeNumber({ min: 1 }), 'all'), fallback: null },
      fast: { field: flag(), fallback: false },
      manual: { field: flag(), fallback: false },
      force: { field: flag(), fallback: false },
      to: {
        field: orNull(text({ expected: 'a version', pattern: /^[^\p{C}\s]+$/u, maxLength: 200 }), 'deployed'),
        fallback: null,
      },
      keepOld: { field: duration({ max: DAY_MS }), fallback: 0 },
    },
    commands: [
      {
        name: 'rollout',
        help: 'replace every node by a new node with the deployed version, canary first; a version that fails is reverted',
        examples: [
          'dso pullnewversion && dso rollout',
          'dso rollout --fast',
          'dso rollout --canary 5 --bake 5m --detach',
          'dso rollout --bake 0 --surge 1',
        ],
        options: [
          { flags: '--bake <time>', help: 'how long moved shards are watched; 0: not at all (60s)' },
          { flags: '--canary <n>', help: 'how many shards move first (1%)' },
          { flags: '--surge <n>', help: 'how many nodes are replaced at once (all)' },
          { flags: '--fast', help: 'one canary for a short while, then all' },
          { flags: '--manual', help: 'wait for `dso rollout resume` after each bake' },
          { flags: '--to <version>', help: 'this version instead of the deployed one ({version} in launcher.command)' },
          { flags: '--keep-old <time>', help: 'how long the old nodes stay after the last bake, to go back to (0)' },
          { flags: '--force', help: 'also a version that was reverted before, and where memory is short' },
        ],
      },
      {
        name: 'fullmigration',
        help: 'the ancestor’s rollout: node after node is replaced, and nothing is watched (`--bake 0 --surge 1`)',
        examples: ['dso pullnewversion && dso fullmigration'],
        presets: { bake: '0', surge: '1' },
      },
    ],
  },
};

export const KINDS_OF_OPERATIONS: readonly OperationKind[] = Object.keys(OPERATION_KINDS) as OperationKind[];
