/**
 * The demo's bot: an ordinary bot process on @discordjs/ws, linked to the orchestrator. It keeps state per shard that
 * moves with it (bot-state.ts), and reports every message it handled. A message that does not follow on what it
 * remembers is not handled, and so shows as lost in the verdict.
 */
import { readFileSync } from 'node:fs';
import { createNode } from '@dshard/node';
import { createWsHost } from '@dshard/node/ws';
import { systemClock, type Logger } from '@dshard/transport';
import { GatewayDispatchEvents, GatewayIntentBits } from 'discord-api-types/v10';
import { DEADLY_MESSAGE, DEFECTIVE_VERSION, BotState, botStateEvents } from './bot-state.js';
import { HandledReports } from './reports.js';
import { wayOf } from './addresses.js';

const clock = systemClock();
const version = readFileSync(setting('DEMO_VERSION_FILE'), 'utf8').trim();
const state = new BotState(Number(setting('DEMO_STATE_MB')), setting('DEMO_STATE_FILE'));
const reports = new HandledReports(setting('DEMO_HANDLED_FILE'), () => node.nodeId);

const host = createWsHost({
  token: setting('DISCORD_TOKEN'),
  api: setting('DISCORD_API'),
  intents: GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages | GatewayIntentBits.MessageContent,
  logger: logger(),
  onDispatch(payload, shard, { redelivered }) {
    // With sequence 0 it is the process's, made from REST, and no session begins.
    if (payload.t === GatewayDispatchEvents.Ready && payload.s > 0) state.begin(shard);
    if (payload.t !== GatewayDispatchEvents.MessageCreate) return;
    const { id, channel_id: channel, nonce, content } = payload.d;
    if (version === DEFECTIVE_VERSION && content === DEADLY_MESSAGE) dieOf(content);
    const number = Number(String(nonce).split(':')[1]);
    const problem = state.handle(shard, channel, number);
    if (problem === null) reports.add({ shard, s: payload.s, id, t: payload.t, at: clock.monotonicMs(), redelivered });
    else console.error(`Shard ${shard} cannot handle message ${number} of channel ${channel}: ${problem}.`);
  },
  state: state.hooks,
});

const way = wayOf(process.env['DSO_NODE_ID'] ?? '', process.env['DEMO_WAYS']);
const node = createNode({
  host,
  ...(way !== null && { orchestrator: way }),
  userEvents: botStateEvents,
  version,
  logger: logger(),
  exitOnShutdown: false,
});

// Asked over and over while shards move (fleet-calls.ts).
node.fleet.handle('shards', (_, { shards }) => shards);

// Otherwise it asks to leave, as a node does that a scheduler ends.
if (process.env['DEMO_ON_SIGTERM'] !== 'leave') process.once('SIGTERM', () => void node.close());
await node.start();
await node.closed;
reports.close();

/** In the turn in which it comes, so that nothing that comes after it is handled. */
function dieOf(content: string): never {
  console.error(`Version ${version} of this bot does not survive the message "${content}".`);
  process.exit(1);
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The demo's bot needs ${name} in its environment.`);
  return value;
}

/** Warnings and errors as lines, which the orchestrator shows with the node's name. */
function logger(): Logger {
  const say = (_fields: Record<string, unknown>, message: string): void => console.error(message);
  return { debug: () => undefined, info: () => undefined, warn: say, error: say };
}
