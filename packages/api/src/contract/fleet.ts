/** The part of the contract about single nodes and shards: started, stopped, taken over, and kept from new ones. */
import { hostName, nodeId, orNull, shardList, wholeNumber, type Field } from '../values/field.js';
import { MAX_SHARDS } from '@dshard/protocol';
import type { Endpoint, Parameters } from '../endpoint.js';
import type { Takes } from './documents.js';

const node: Field<string> = nodeId();
const shardId: Field<number> = wholeNumber({ min: 0, max: MAX_SHARDS - 1 });

/** One of the two. */
const NODE_OR_HOST: Parameters<{ node: string | null; host: string | null }> = {
  node: { field: orNull(node, 'none'), fallback: null },
  host: { field: orNull(hostName(), 'none'), fallback: null },
};

type Names =
  | 'startShards'
  | 'stopShard'
  | 'parkShard'
  | 'takeOver'
  | 'unquarantine'
  | 'cordonNode'
  | 'uncordonNode'
  | 'allowIdentifies';

export const FLEET: { readonly [Name in Names]: Endpoint<Takes<Name>> } = {
  startShards: {
    method: 'POST',
    path: '/startshards',
    role: 'operate',
    about: 'starts shards that nobody runs on a node; `shards` is `0-15,20`, or a list in JSON',
    parameters: { node: { field: node }, shards: { field: shardList() } },
    command: {
      name: 'startshards',
      help: 'start shards that nobody runs on a node',
      examples: ['dso startshards web-1 3', 'dso startshards web-1 0-15,20'],
      arguments: [
        { shown: 'node', parameter: 'node' },
        { shown: 'shards', parameter: 'shards' },
      ],
      interrupt: 'The shards are started all the same: see dso status.',
    },
  },
  stopShard: {
    method: 'POST',
    path: '/stopshard',
    role: 'operate',
    ancestor: true,
    about: 'stops a shard where it runs',
    parameters: { shard: { field: shardId } },
    command: {
      name: 'stopshard',
      help: 'stop a shard where it runs',
      examples: ['dso stopshard 3'],
      arguments: [{ shown: 'shard', parameter: 'shard' }],
      costs: {
        what: 'The bot’s state of the shard is gone, and its events are lost when it does not start again soon.',
      },
      interrupt: 'The shard is stopped all the same: see dso status.',
    },
  },
  parkShard: {
    method: 'POST',
    path: '/v1/parkshard',
    role: 'operate',
    about:
      'takes a shard with its state and its session into the orchestrator, for the next node; answers when it is parked',
    parameters: { shard: { field: shardId } },
    command: {
      name: 'parkshard',
      help: 'take a shard with its state into the orchestrator, for the next node that comes',
      details:
        'Nodes that leave park their shards by themselves where no other node can take them. The next node that connects gets the shard;\n' +
        'after park.waitFor any node does.',
      examples: ['dso parkshard 3'],
      arguments: [{ shown: 'shard', parameter: 'shard' }],
      interrupt: 'The shard is parked all the same: see dso status.',
    },
  },
  takeOver: {
    method: 'POST',
    path: '/takeover',
    role: 'operate',
    edits: { thing: 'node', parameter: 'node' },
    about:
      'says that a silent node is dead: its shards are resumed elsewhere at once; of kind `takeover`, an operation does that for a host as well, and waits until they are',
    parameters: { node: { field: node } },
    command: null,
  },
  unquarantine: {
    method: 'POST',
    path: '/unquarantine',
    role: 'operate',
    about: 'lets quarantined shards start again; `shards` is `0-11,20`, a list in JSON, or `all`',
    parameters: { shards: { field: orNull(shardList(), 'all') } },
    command: {
      name: 'unquarantine',
      alias: 'release',
      help: 'let quarantined shards start again (`dso status` lists them)',
      details:
        'A shard is quarantined when node after node died while the shard was starting there, and others ran well. A node of another version\n' +
        'lifts that by itself. A shard whose quarantine is lifted is a crash suspect: after one more crash the shard is quarantined at once.\n' +
        'Discord keeps its events for a minute or two. A shard that starts later begins a new session.',
      examples: ['dso unquarantine 3', 'dso unquarantine 0-11', 'dso unquarantine all'],
      arguments: [{ shown: 'shards', parameter: 'shards' }],
      interrupt: null,
    },
  },
  cordonNode: {
    method: 'POST',
    path: '/blacklistnode',
    role: 'operate',
    edits: { thing: 'node', parameter: 'node' },
    alsoAt: '/cordonnode',
    ancestor: true,
    about: 'gives a node, or all nodes of a host, no new shards; also at `/cordonnode`',
    parameters: NODE_OR_HOST,
    command: {
      name: 'blacklistnode',
      alias: 'cordon',
      help: 'give a node no new shards; the node keeps its shards',
      details:
        'With --host that holds for all nodes of a host, also for those that join from it later, until it is uncordoned. A restart of the\n' +
        'orchestrator forgets no cordon.',
      examples: ['dso cordon web-1', 'dso cordon --host rack-2'],
      arguments: [{ shown: 'node', parameter: 'node', optional: true }],
      options: [{ flags: '--host <host>', help: 'all nodes of this host, and all that join from it' }],
      interrupt: null,
    },
  },
  uncordonNode: {
    method: 'POST',
    path: '/uncordonnode',
    role: 'operate',
    edits: { thing: 'node', parameter: 'node' },
    about: 'lets a cordoned node, or the nodes of a cordoned host, have new shards again',
    parameters: NODE_OR_HOST,
    command: {
      name: 'uncordon',
      help: 'let a cordoned node have new shards again',
      examples: ['dso uncordon web-1', 'dso uncordon --host rack-2'],
      arguments: [{ shown: 'node', parameter: 'node', optional: true }],
      options: [{ flags: '--host <host>', help: 'all nodes of this host' }],
      interrupt: null,
    },
  },
  allowIdentifies: {
    method: 'POST',
    path: '/allowidentifies',
    role: 'operate',
    about: 'lets this many shards IDENTIFY from the reserve of the day',
    parameters: { count: { field: wholeNumber({ min: 0, max: 1000 }) } },
    command: {
      name: 'allowidentifies',
      help: 'let this many shards IDENTIFY from the reserve of the day; 0 takes the permission back',
      examples: ['dso allowidentifies 10', 'dso allowidentifies 0'],
      arguments: [{ shown: 'count', parameter: 'count' }],
      interrupt: null,
    },
  },
};
