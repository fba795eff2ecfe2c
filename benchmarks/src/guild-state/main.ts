/**
 * What it costs to keep the raw guilds of a shard beside a library's caches: memory, CPU per event, what a move copies
 * and what it leaves to the frozen shard. `npm run bench -- guild-state --guilds 500 --members 100`. Guilds and events
 * are those of the emulator's world.
 */
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import type { TrafficEvent } from '@dshard/gateway-emulator';
import { emptyState, guildCreateOf, IncomingGuilds, KEEP_ALL, OutgoingGuilds, reduce } from '@dshard/node/guild-state';
import type { GuildPart, RawDispatch, ShardState } from '@dshard/node/guild-state';
import { Command } from 'commander';
import { figure, tell } from '../outcome.js';

const ALL_INTENTS = 0x1ffff | (0b11 << 20) | (0b11 << 24);
/** Each kind by itself, so that the dear ones show. */
const KINDS = ['messages', 'reactions', 'typing', 'presences', 'voice', 'members', 'guilds'] as const;

const { gc } = globalThis;

const program = new Command('bench -- guild-state')
  .option('--guilds <n>', 'guilds of the shard', Number, 500)
  .option('--members <n>', 'members per guild', Number, 100)
  .option('--events <n>', 'events of each kind', Number, 20_000)
  .option('--json', 'for programs')
  .parse();
const options = program.opts<{ guilds: number; members: number; events: number; json?: true }>();

await using gateway = await startGatewayEmulator({ guilds: options.guilds, members: options.members });
const { world, traffic } = gateway;

const heapMb = (): number => {
  gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
};
/** CPU, and not the time on the wall: the machine may have other things to do. */
const timed = (work: () => void): number => {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
};
const created = (): RawDispatch[] =>
  [...world.guildsOf(0, 1)].map((guild) => {
    const d: unknown = JSON.parse(guild.createJson({ intents: ALL_INTENTS, largeThreshold: 250 }));
    return { t: 'GUILD_CREATE', d };
  });
const json = (text: string): GuildPart => JSON.parse(text) as GuildPart;

/** Without an event of which the state knows nothing. */
const eventsOf = (kind: (typeof KINDS)[number]): RawDispatch[] => {
  const events: TrafficEvent[] = [];
  const stop = gateway.onEmitted((event) => events.push(event));
  traffic.setMix({ [kind]: 1 });
  traffic.burst(options.events);
  stop();
  return events.map(({ type, json: text }) => ({ t: type, d: JSON.parse(text) as unknown }));
};

const ready = { user: { id: world.userId }, application: { id: world.applicationId }, guilds: [] };
const state: ShardState = emptyState();
reduce(state, { t: 'READY', d: ready });

// The world itself takes memory, too, once it was looked at.
created();
const empty = heapMb();
// The same once as objects, as a library without structures of its own would keep them.
let objects: RawDispatch[] | null = created();
const asObjectsMb = heapMb() - empty;
const createMs = timed(() => objects?.forEach((event) => reduce(state, event)));
objects = null;
const asStateMb = heapMb() - empty;

const outgoing = new OutgoingGuilds(state);
let parts: string[] = [];
const copyMs = timed(() => (parts = [...outgoing.everything(), outgoing.done()]));
const copyMb = parts.reduce((sum, { length }) => sum + length, 0) / 2 ** 20;
const incoming = new IncomingGuilds(KEEP_ALL);
const takeMs = timed(() => parts.forEach((text) => incoming.take(json(text))));
const showMs = timed(() => incoming.whole()?.guilds.forEach((guild) => guild && guildCreateOf(guild)));
parts = [];

const perEventUs = Object.fromEntries(
  KINDS.map((kind) => {
    const events = eventsOf(kind);
    return [kind, (timed(() => events.forEach((event) => reduce(state, event))) * 1_000) / events.length];
  }),
);
let delta: string[] = [];
const deltaMs = timed(() => (delta = [...outgoing.changes()]));
const deltaMb = delta.reduce((sum, { length }) => sum + length, 0) / 2 ** 20;

const result = { asObjectsMb, asStateMb, createMs, copyMs, copyMb, takeMs, showMs, deltaMs, deltaMb };
const rounded = (value: number): number => Number(value.toPrecision(3));
tell(
  {
    name: 'guild-state',
    guilds: options.guilds,
    members: options.members,
    targets: [
      ...Object.entries(result).map(([what, value]) => figure(what, rounded(value))),
      ...Object.entries(perEventUs).map(([kind, us]) => figure(`${kind}: microseconds an event`, rounded(us))),
    ],
  },
  options,
);
