/** The benchmarks, in the order in which `all` runs them. Each is a program in a folder of its name. */
export type Benchmark = {
  about: string;
  /** What makes it short: it shows that the benchmark works, and no figure to quote. */
  quick: readonly string[];
  /** For Node.js itself. */
  node?: readonly string[];
};

export const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  relay: {
    about: 'state of a shard from node to node, against a bare socket with the same codec',
    quick: ['--quick'],
  },
  gap: {
    about: 'how long a shard that moves has no session, by what goes along, against a bare ws',
    quick: ['--quick'],
  },
  takeover: {
    about: 'how long the shards of a node that dies have no session',
    quick: ['--runs', '1', '--shards', '4'],
  },
  join: {
    about: 'a thousand nodes connect at once; the orchestrator is killed under them, and all come back',
    quick: ['--nodes', '100', '--processes', '2', '--rest', '2'],
  },
  scale: {
    about: 'what a fleet at rest costs its orchestrator, and how soon a restarted one knows it',
    quick: ['--nodes', '25', '--times', '1,2', '--processes', '2', '--rest', '3'],
  },
  reads: {
    about: 'how long GET /metrics and GET /v1/status of a large fleet take',
    quick: ['--nodes', '25', '--processes', '2', '--times', '10'],
  },
  status: {
    about: 'how soon a large fleet says how it is, and what slow readers of its live stream cost',
    quick: ['--nodes', '50', '--processes', '1', '--questions', '40', '--readers', '10', '--rest', '3'],
  },
  fleet: {
    about: 'all shards of a fleet move to new nodes, each with its state',
    quick: ['--shards', '32,64', '--state', '64', '--processes', '1'],
  },
  commit: {
    about: 'decisions a second that become durable in each store, against one commit per decision',
    quick: ['--quick'],
  },
  node: {
    about: 'what the library costs a discord.js bot per event',
    quick: ['--runs', '1', '--seconds', '2', '--shards', '2'],
  },
  emulator: {
    about: 'events a second that one gateway emulator serves',
    quick: ['--shards', '100', '--rates', '5000', '--seconds', '2'],
  },
  'guild-state': {
    about: 'memory and time of the guild state that hosts without caches keep',
    quick: ['--guilds', '50', '--events', '2000'],
    node: ['--expose-gc'],
  },
  tls: {
    about: 'gap of a moving shard by mutual TLS, against plain text',
    quick: ['--runs', '1', '--shards', '8', '--nodes', '2'],
  },
  dashboard: {
    about: 'frames a second of the shard map in a real browser, with 5,000 shards and 200 changes a second',
    quick: ['--seconds', '2'],
  },
  peers: {
    about: "a deploy by discord.js' ShardingManager, by discord-hybrid-sharding, and by ours",
    quick: ['--quick', '--only', 'dshardorchestrator'],
  },
  sizing: {
    about: 'memory and processor time of a discord.js bot, by guilds and messages',
    quick: ['--quick'],
    node: ['--expose-gc'],
  },
};
