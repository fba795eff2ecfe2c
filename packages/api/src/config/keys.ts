/**
 * Every key of the configuration: what may be written, what it is when nothing is, and what it is for. The one schema:
 * file, environment and flags all end here, and the reference page is made from it.
 *
 * In `dso.yaml` a dot is a section: `launcher.stopGrace` is `stopGrace` under `launcher`. In the environment it is
 * `DSO_LAUNCHER_STOP_GRACE`; Discord's two have the names that bots know already.
 */
import { MAX_SHARDS } from '@dshard/protocol';
import {
  address,
  choice,
  countOrShare,
  duration,
  flag,
  orNull,
  orWord,
  postgresUrl,
  shardList,
  text,
  textList,
  textMap,
  url,
  wholeNumber,
  type Field,
} from '../values/field.js';

export type ConfigValues = {
  listen: string;
  advertise: string | null;
  token: string | null;
  tokenFile: string | null;
  tokenless: boolean;
  allowBaseLevelPeers: boolean;
  insecure: boolean;
  'tls.cert': string | null;
  'tls.key': string | null;
  'tls.ca': string | null;
  totalShards: number | null;
  responsibleForShards: readonly number[] | null;
  ensureAllShardsRunning: boolean;
  bucketSize: number;
  bucketsPerNode: number;
  maxShardsPerNode: number | 'auto' | null;
  nodes: number;
  maxNodeDowntime: number;
  startupGrace: number;
  skipStartupGraceMaxShards: number;
  migrationsPerNode: number;
  migrationsTotal: number;
  maxUnavailable: { count: number } | { percent: number };
  takeoversPerNode: number;
  quarantineAfter: number;
  nodesMayRollout: boolean;
  rebalance: 'join' | 'auto' | 'off';
  heartbeat: number;
  'alarms.shardsDownAfter': number;
  'alarms.webhook': string | null;
  'alarms.webhookFormat': 'json' | 'discord';
  'timeouts.command': number;
  'timeouts.migrationStep': number;
  'timeouts.freeze': number;
  'timeouts.budget': number;
  'timeouts.rolloutProgress': number;
  'timeouts.launch': number;
  'timeouts.launchRetry': number;
  'timeouts.launchRetryMax': number;
  'timeouts.healthyAfter': number;
  'timeouts.identify': number;
  'http.enabled': boolean;
  'http.listen': string;
  'http.advertise': string | null;
  'http.tokenlessLoopback': boolean;
  'http.hosts': readonly string[];
  'http.clientCertificates': boolean;
  'metrics.public': boolean;
  tracing: boolean;
  'launcher.bot': string | null;
  'launcher.command': string | readonly string[] | null;
  'launcher.cwd': string | null;
  'launcher.env': Readonly<Record<string, string>>;
  'launcher.dataDir': string;
  'launcher.stopGrace': number;
  'launcher.version': string | null;
  'launcher.versionCommand': string | readonly string[] | null;
  'launcher.updateCommand': string | readonly string[] | null;
  'store.kind': 'sqlite' | 'postgres' | 'memory';
  'store.path': string | null;
  'store.url': string | null;
  'store.schema': string;
  'store.lease': number;
  'store.statementTimeout': number;
  'store.standby': boolean;
  'store.history': number;
  'park.dir': string | null;
  'park.waitFor': number;
  'park.ttl': number;
  'park.maxShard': number;
  'park.maxTotal': number;
  'discord.token': string | null;
  'discord.api': string;
  'discord.maxConcurrency': number | null;
  'discord.identifyWindow': number;
  'discord.identifyReserve': number | null;
  'log.level': 'debug' | 'info' | 'warn' | 'error' | 'silent';
  'log.pretty': boolean | null;
};

export type ConfigKey = keyof ConfigValues;

export type ConfigKeyEntry<T> = {
  field: Field<T>;
  byDefault: T;
  /** What it is for, in a sentence or two. */
  about: string;
  /** Its environment variable; null: there is none. */
  variable: string | null;
  /** Never shown in a message. */
  secret: boolean;
  /** Whether a new value is taken over without a restart. */
  reloadable: boolean;
};

type Extra = { variable?: string | null; secret?: boolean; reloadable?: boolean };

/** `dso up` takes a new value over while it runs (SIGUSR2). */
const RELOADABLE: Extra = { reloadable: true };

/** What `key` makes before it knows the key's name. */
type ConfigEntry<T> = { field: Field<T>; byDefault: T; about: string } & Extra;

function key<T>(field: Field<T>, byDefault: T, about: string, extra: Extra = {}): ConfigEntry<T> {
  return { field, byDefault, about, ...extra };
}

/** A program with its arguments: one line, split without a shell, or a list of words. */
function commandLine(): Field<string | readonly string[]> {
  const words = textList('a command such as "node bot.js" or ["node", "bot.js"]');
  return { ...words, read: (written) => (typeof written === 'string' ? written : words.read(written)) };
}

/** A token travels in a header: printable characters without blanks. */
const token: Field<string> = text({ expected: 'printable characters without blanks', pattern: /^[\x21-\x7e]+$/ });

const entries: { readonly [K in ConfigKey]: ConfigEntry<ConfigValues[K]> } = {
  listen: key(address(), '127.0.0.1:7447', 'Where nodes connect. Beyond loopback only with a token.'),
  advertise: key(
    orNull(address(), 'auto'),
    null,
    'Where nodes reach this orchestrator, as a standby tells them; auto: listen, or the host’s name where that is all addresses.',
  ),
  token: key(
    orNull(token, 'none'),
    null,
    'The secret that nodes prove to know and that the REST interface asks for. Without one, nodes prove a token that the orchestrator makes and keeps in the file token of its data directory.',
    { secret: true },
  ),
  tokenFile: key(orNull(text(), 'none'), null, 'A file that holds the token instead.'),
  tokenless: key(
    flag(),
    false,
    'Make no token where none is set: every process on this machine can be a node and take shards. On loopback only.',
  ),
  allowBaseLevelPeers: key(
    flag(),
    false,
    'Let nodes in that cannot prove a token (the ancestor’s, in Go), with nothing but the base level. Whoever reaches the port can then take shards.',
  ),
  insecure: key(
    flag(),
    false,
    'Listen beyond loopback in plain text, for nodes and for the REST interface: where the network is your own. Without it, that takes tls.cert.',
  ),
  'tls.cert': key(
    orNull(text(), 'none'),
    null,
    'The certificate (PEM) of the orchestrator, with what lies between it and its authority: then nodes and the REST interface are reached by TLS only. A renewed one is read without a restart.',
  ),
  'tls.key': key(orNull(text(), 'none'), null, 'The private key of tls.cert (PEM, without a passphrase).'),
  'tls.ca': key(
    orNull(text(), 'none'),
    null,
    'The authorities (PEM) that sign the certificates of nodes: a node without one is not let in.',
  ),
  totalShards: key(
    orNull(wholeNumber({ min: 1, max: MAX_SHARDS }), 'auto'),
    null,
    'How many shards the bot has; auto asks running nodes, then Discord.',
  ),
  responsibleForShards: key(
    orNull(shardList(), 'all'),
    null,
    'The shards this orchestrator cares for, when several share a bot. Needs a fixed totalShards.',
  ),
  ensureAllShardsRunning: key(flag(), true, 'Start every shard that nobody runs.', RELOADABLE),
  bucketSize: key(
    wholeNumber({ min: 1, max: MAX_SHARDS }),
    1,
    'Shards of one bucket only ever sit together (16 for large bots).',
  ),
  bucketsPerNode: key(
    wholeNumber({ min: 0, max: MAX_SHARDS }),
    0,
    'With n > 0 a node only takes shards of one slot of n buckets; 0: any.',
  ),
  maxShardsPerNode: key(
    orNull(orWord(wholeNumber({ min: 1, max: MAX_SHARDS }), 'auto'), 'none'),
    null,
    'How many shards a node gets automatically; an operator may place more. auto: half as much again as its fair share, and enough to take over from a node that is lost.',
    RELOADABLE,
  ),
  nodes: key(
    wholeNumber({ min: 0, max: 1000 }),
    0,
    'How many nodes the launcher keeps up; 0: a node is launched when shards have no node with room.',
    RELOADABLE,
  ),
  maxNodeDowntime: key(duration(), 10_000, 'How long a silent node keeps its shards.', RELOADABLE),
  startupGrace: key(
    duration(),
    10_000,
    'How long a fresh orchestrator waits for running nodes to come back before it places shards.',
  ),
  skipStartupGraceMaxShards: key(
    wholeNumber({ min: 0, max: MAX_SHARDS }),
    0,
    'With a total of at most this many shards the orchestrator does not wait for startupGrace.',
  ),
  migrationsPerNode: key(
    wholeNumber({ min: 1, max: 1000 }),
    4,
    'How many shards of one node may move at once.',
    RELOADABLE,
  ),
  migrationsTotal: key(
    wholeNumber({ min: 1, max: 10_000 }),
    16,
    'How many shards may move at once in all.',
    RELOADABLE,
  ),
  maxUnavailable: key(
    countOrShare(),
    { percent: 25 },
    'How many shards may be moving or down at once. While more are down, planned migrations wait.',
    RELOADABLE,
  ),
  takeoversPerNode: key(
    wholeNumber({ min: 1, max: 10_000 }),
    16,
    'How many shards of lost nodes one node resumes at once.',
    RELOADABLE,
  ),
  quarantineAfter: key(
    wholeNumber({ min: 0, max: 100 }),
    3,
    'A shard that was newly started on so many nodes in a row when they died is not started any more until it is released; 0: never mind.',
    RELOADABLE,
  ),
  rebalance: key(
    choice('join', 'auto', 'off'),
    'join',
    'Spread shards without being asked: join fills nodes that are new or empty, and mends what has 1.5 times the average; auto mends 1.25 times the average as well; off only when asked (dso rebalance).',
    RELOADABLE,
  ),
  nodesMayRollout: key(flag(), false, 'Let a bot begin a rollout by itself (client.shard.respawnAll()).', RELOADABLE),
  heartbeat: key(
    duration(),
    5000,
    'How often nodes report; a node that misses three reports is disconnected. 0: never.',
  ),
  'alarms.shardsDownAfter': key(duration(), 30_000, 'How long a shard may be down before that is an alarm.'),
  'alarms.webhook': key(
    orNull(url(), 'none'),
    null,
    'Where alarms that rise and fall are posted, such as a webhook of a Discord channel. Kept secret like a token.',
    { secret: true },
  ),
  'alarms.webhookFormat': key(
    choice('json', 'discord'),
    'json',
    'How: as JSON that says everything, or as Discord’s own webhooks take it.',
  ),
  'timeouts.command': key(
    duration({ min: 1 }),
    30_000,
    'How long a node may take to answer a start, a stop or a shutdown.',
    RELOADABLE,
  ),
  'timeouts.migrationStep': key(
    duration({ min: 1 }),
    15_000,
    'How long each step of a migration may take.',
    RELOADABLE,
  ),
  'timeouts.freeze': key(
    duration({ min: 1 }),
    5000,
    'How long a migrating shard may be frozen; a node that hears nothing for that long unfreezes the shard.',
  ),
  'timeouts.budget': key(
    duration({ min: 1 }),
    300_000,
    'How long a drain may wait for maxUnavailable before it stops.',
    RELOADABLE,
  ),
  'timeouts.rolloutProgress': key(
    duration({ min: 1 }),
    600_000,
    'How long a rollout may go without progress before its shards go back to the old nodes.',
    RELOADABLE,
  ),
  'timeouts.launch': key(
    duration({ min: 1 }),
    60_000,
    'How long a launched node may take to connect. After that its process is ended.',
    RELOADABLE,
  ),
  'timeouts.launchRetry': key(
    duration(),
    1_000,
    'The pause after a launched node died or could not be launched; it doubles each time the next one dies, too.',
    RELOADABLE,
  ),
  'timeouts.launchRetryMax': key(
    duration(),
    300_000,
    'The longest pause between launches of a version that dies again and again.',
    RELOADABLE,
  ),
  'timeouts.healthyAfter': key(
    duration({ min: 1 }),
    600_000,
    'A version none of whose nodes died for so long is healthy: the next pause is timeouts.launchRetry again.',
    RELOADABLE,
  ),
  'timeouts.identify': key(
    duration({ min: 1 }),
    60_000,
    'How long an IDENTIFY permit is kept whose end is never reported.',
    RELOADABLE,
  ),
  'http.enabled': key(flag(), true, 'Whether there is a REST interface.'),
  'http.listen': key(
    address(),
    '127.0.0.1:7448',
    'Where the REST interface listens. Beyond loopback only with a token.',
  ),
  'http.advertise': key(
    orNull(address(), 'auto'),
    null,
    'Where operators reach its REST interface, as a standby tells them; auto: http.listen, or the host of advertise.',
  ),
  'http.tokenlessLoopback': key(
    flag(),
    false,
    'Let requests without the token in from this machine, for the ancestor’s command line.',
  ),
  'http.hosts': key(
    textList('host names such as "dso.internal"'),
    [],
    'Further names the REST interface is reached by; requests for any other host are refused.',
  ),
  'http.clientCertificates': key(
    flag(),
    false,
    'Let only those in at the REST interface who show a certificate of tls.ca, too.',
  ),
  'metrics.public': key(
    flag(),
    false,
    'Let everybody who reaches the REST interface read GET /metrics, without a token. Metrics name nodes, hosts and versions.',
  ),
  tracing: key(
    flag(),
    false,
    'Make OpenTelemetry spans of operations and migrations. Takes the package @opentelemetry/api, and a provider that the process registers (node --import).',
  ),
  'launcher.bot': key(
    orNull(text(), 'none'),
    null,
    'The bot to run as nodes: a .js, .mjs or .cjs file; or TypeScript, from Node.js 22.18 on.',
  ),
  'launcher.command': key(
    orNull(commandLine(), 'none'),
    null,
    'The command that runs a node, instead of launcher.bot; {nodeId} in it becomes the node’s id, {version} the version to start (`dso rollout --to`, `dso rollout undo`). No shell is involved.',
  ),
  'launcher.cwd': key(orNull(text(), 'none'), null, 'Where commands run; by default where dso.yaml is.'),
  'launcher.env': key(textMap('names with values'), {}, 'Added to the environment of nodes.', { variable: null }),
  'launcher.dataDir': key(text(), '.dso', 'Where the launcher keeps what it must remember, and the nodes’ logs.'),
  'launcher.stopGrace': key(
    duration(),
    10_000,
    'How long a node’s process has between SIGTERM and being killed; longer where the node lingers longer (its lingerMs).',
  ),
  'launcher.version': key(orNull(text(), 'none'), null, 'The version that a new node would run.'),
  'launcher.versionCommand': key(orNull(commandLine(), 'none'), null, 'A command that prints that version.'),
  'launcher.updateCommand': key(orNull(commandLine(), 'none'), null, 'A command that fetches a newer version.'),
  'store.kind': key(
    choice('sqlite', 'postgres', 'memory'),
    'sqlite',
    'Where the orchestrator keeps what it must not forget: a file on this host, or a database that orchestrators on several hosts share; memory: nowhere, so a restarted orchestrator asks its nodes.',
  ),
  'store.path': key(orNull(text(), 'auto'), null, 'The SQLite file; auto: state.db in launcher.dataDir.'),
  'store.url': key(
    orNull(postgresUrl(), 'none'),
    null,
    'The PostgreSQL database of store.kind postgres. Hosts of a cluster stand between commas; the first that can be written is used.',
    { secret: true },
  ),
  'store.schema': key(
    text({ expected: 'a lower-case name such as dso or my_bot', pattern: /^[a-z_][a-z0-9_]{0,47}$/ }),
    'dso',
    'The schema in that database, made where it is missing; each fleet has its own.',
  ),
  'store.lease': key(
    duration({ min: 1000, max: 300_000 }),
    10_000,
    'How long the others wait for a leader that is not heard of, where the store is PostgreSQL.',
  ),
  'store.statementTimeout': key(
    duration({ min: 50 }),
    1000,
    'How long PostgreSQL may take for an answer before the connection counts as lost; a tenth of store.lease at most.',
  ),
  'store.standby': key(
    flag(),
    false,
    'When another orchestrator leads on the same store, wait and take over when it is gone, rather than refuse to start.',
  ),
  'store.history': key(
    wholeNumber({ min: 0, max: 10_000_000 }),
    100_000,
    'How many events the history keeps; the oldest go first.',
  ),
  'park.dir': key(
    orNull(text(), 'auto'),
    null,
    'Where the state of parked shards lies until a node takes the shards; auto: parked in launcher.dataDir.',
  ),
  'park.waitFor': key(
    duration(),
    20_000,
    'How long a parked shard waits for a node that came after it was parked; then any node gets it.',
    RELOADABLE,
  ),
  'park.ttl': key(
    duration({ min: 1 }),
    60_000,
    'How long the state of a parked shard is kept. Discord forgets gateway sessions after a minute or two.',
    RELOADABLE,
  ),
  'park.maxShard': key(
    wholeNumber({ min: 1, max: 1_048_576 }),
    256,
    'The most state that is parked of one shard, in MiB. Of a larger one only the session is kept.',
  ),
  'park.maxTotal': key(
    wholeNumber({ min: 0, max: 1_048_576 }),
    2_048,
    'The most state that is parked in all, in MiB; never more than half of what the disk has free. 0: none.',
  ),
  'discord.token': key(orNull(token, 'none'), null, 'The bot’s token, to ask Discord for the shard count and pace.', {
    variable: 'DISCORD_TOKEN',
    secret: true,
  }),
  'discord.api': key(url(), 'https://discord.com/api/v10', 'Discord’s REST API, with its version.', {
    variable: 'DISCORD_API',
  }),
  'discord.maxConcurrency': key(
    orNull(wholeNumber({ min: 1, max: 10_000 }), 'auto'),
    null,
    'How many shards may IDENTIFY at once; auto asks Discord.',
  ),
  'discord.identifyWindow': key(duration(), 5000, 'How long each of them blocks its key.'),
  'discord.identifyReserve': key(
    orNull(wholeNumber({ min: 0 }), 'auto'),
    null,
    'So many of the day’s session starts are kept back for an operator (`dso allowidentifies`); auto: a twentieth of them.',
    RELOADABLE,
  ),
  'log.level': key(
    choice('debug', 'info', 'warn', 'error', 'silent'),
    'info',
    'The least level that is logged.',
    RELOADABLE,
  ),
  'log.pretty': key(orNull(flag(), 'auto'), null, 'Lines for people; auto: on a terminal. Otherwise JSON.'),
};

/** Sorted as they are documented. */
export const CONFIG_KEYS: readonly ConfigKey[] = Object.keys(entries) as ConfigKey[];

/** What each key is when nothing is written. */
export function defaultValues(): ConfigValues {
  return Object.fromEntries(CONFIG_KEYS.map((name) => [name, entries[name].byDefault])) as ConfigValues;
}

export function isConfigKey(name: string): name is ConfigKey {
  return Object.hasOwn(entries, name);
}

export function configEntry<K extends ConfigKey>(name: K): ConfigKeyEntry<ConfigValues[K]> {
  const { field, byDefault, about, variable, secret = false, reloadable = false } = entries[name];
  return {
    field,
    byDefault,
    about,
    variable: variable === undefined ? variableOf(name) : variable,
    secret,
    reloadable,
  };
}

/** `launcher.stopGrace` → `DSO_LAUNCHER_STOP_GRACE`. */
function variableOf(name: string): string {
  return `DSO_${name
    .replaceAll('.', '_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;
}
