/** What the demo can be told on its command line, checked. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseWholeNumber } from '@dshard/protocol';

/** Guilds per shard and members per guild, where they are not given. */
const WORLDS = { ws: { guilds: 4, members: 5 }, discordjs: { guilds: 200, members: 100 } } as const;
export type BotLibrary = keyof typeof WORLDS;

const SCENARIOS = [
  'tour',
  'crash',
  'orchestrator-restart',
  'orchestrator-crash',
  'standby',
  'quarantine',
  'alarm',
  'outage',
  'bad-rollout',
  'state',
  'start',
  'rebalance',
  'leave',
  'full-restart',
  'ha',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Where one or two of them are lost. */
const THREE_NODES: readonly Scenario[] = ['crash', 'quarantine', 'alarm', 'outage', 'rebalance', 'leave'];

/** Played with the bot on discord.js, whatever is said. */
const OF_DISCORDJS: readonly Scenario[] = ['leave', 'full-restart'];

export type DemoOptions = {
  /** The library of the bot: @discordjs/ws or discord.js. */
  bot: BotLibrary;
  shards: number;
  nodes: number;
  /** Guilds per shard. */
  guilds: number;
  /** Members per guild in the beginning. */
  members: number;
  /** Events per second over all shards. */
  rate: number;
  seed: number;
  /** Megabytes of state that every shard carries besides what it remembers of its messages. */
  stateMb: number;
  scenario: Scenario;
  /** IDENTIFYs that Discord lets go per window, one per key. */
  maxConcurrency: number;
  /** Milliseconds of a window; Discord's is 5000. */
  identifyWindow: number;
  /** Print one JSON object as the last line of stdout; progress goes to stderr. */
  json: boolean;
  /** Exit when the tour is over, with 0 only if the verdict holds. */
  tourOnly: boolean;
};

export function parseOptions(argv: readonly string[]): DemoOptions {
  const command = new Command('npm start --')
    .description(
      'A Discord bot in two processes, its shards moved live, and the proof that no event was lost or repeated.',
    )
    .option('--shards <n>', 'gateway shards', wholeNumber('--shards', 1, 256), 8)
    .option('--nodes <n>', 'bot processes (default: 2; 3 where nodes are lost)', wholeNumber('--nodes', 2, 16))
    .addOption(new Option('--bot <library>', 'what the bot is written with').choices(Object.keys(WORLDS)).default('ws'))
    .option('--guilds <n>', 'guilds per shard (default: 4, with discordjs 200)', wholeNumber('--guilds', 1, 2_500))
    .option('--members <n>', 'members per guild (default: 5, with discordjs 100)', wholeNumber('--members', 1, 1_000))
    .option('--rate <n>', 'events per second over all shards', wholeNumber('--rate', 1, 20_000), 200)
    .option('--seed <n>', 'seed of the world and its traffic', wholeNumber('--seed', 0, 2 ** 31), 1)
    .option('--state-mb <n>', 'megabytes of state per shard', wholeNumber('--state-mb', 0, 500), 0)
    .option('--max-concurrency <n>', 'identifies per window at Discord', wholeNumber('--max-concurrency', 1, 256), 16)
    .option('--identify-window <ms>', 'length of that window', wholeNumber('--identify-window', 100, 60_000), 5_000)
    .addOption(new Option('--scenario <name>', 'what happens').choices(SCENARIOS).default('tour'))
    .option('--json', 'exit after the tour and print the verdict as one line of JSON', false)
    .option('--tour-only', 'exit after the tour instead of staying up', false)
    .addHelpText(
      'after',
      `
Examples:
  npm start                                              watch, then try commands of your own
  npm run demo -- --json                                 the same for programs: exit code 0 only if the verdict holds
  npm run demo -- --json --shards 32 --nodes 4 --rate 2000
  npm run demo -- --bot discordjs --shards 4 --json      discord.js clients, their caches compared with a client that never restarts
  npm run demo -- --scenario crash --json                kill -9 of one of three nodes under traffic
  npm run demo -- --scenario orchestrator-restart        kill -9 of the orchestrator under traffic
  npm run demo -- --scenario orchestrator-crash --json   the same in the middle of a rollout, which then goes on
  npm run demo -- --scenario standby --json              a second orchestrator on the same store, when the first is killed
  npm run demo -- --scenario quarantine --json           a shard that kills node after node is quarantined, and released
  npm run demo -- --scenario alarm --json                most nodes stand still at once: nothing is taken from them
  npm run demo -- --scenario outage --json               Discord is away for 75 s while a shard moves and a node dies
  npm run demo -- --scenario rebalance --json            a node joins, dies and comes back: each time it gets its share
  npm run demo -- --scenario bad-rollout --json          four bad versions are rolled out, and each is reverted
  npm run demo -- --scenario state --state-mb 100 --json shards that carry 100 MB each: the gap stays the same
  npm run demo -- --scenario leave --json                nodes get SIGTERM as a scheduler sends it; discord.js clients
  npm run demo -- --scenario full-restart --json         dso up --keep-sessions is ended and started again; discord.js clients
  npm run demo -- --scenario ha --json                   two orchestrators on PostgreSQL: leader killed, database restarted, then failed over
  npm run demo -- --scenario start --shards 64 --nodes 4 --max-concurrency 1 --identify-window 500 --json
                                                         how long the start takes beside what Discord's pace allows`,
    )
    .showHelpAfterError();
  command.parse(argv, { from: 'user' });
  const options = command.opts<Omit<DemoOptions, 'nodes'> & { nodes?: number }>();
  if (OF_DISCORDJS.includes(options.scenario)) options.bot = 'discordjs';
  if (options.bot === 'discordjs' && options.scenario !== 'tour' && !OF_DISCORDJS.includes(options.scenario)) {
    command.error(`--scenario ${options.scenario} is played with the bot on @discordjs/ws; leave out --bot discordjs.`);
  }
  const nodes = options.nodes ?? (THREE_NODES.includes(options.scenario) ? 3 : 2);
  return { ...WORLDS[options.bot], ...options, nodes, tourOnly: options.tourOnly || options.json };
}

function wholeNumber(option: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = parseWholeNumber(text, { min: least, max: most });
    if (value === undefined) {
      throw new InvalidArgumentError(`${option} takes a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
