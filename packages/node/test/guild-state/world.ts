/**
 * The emulator's world as the judge of what is kept of its guilds: field by field, and in no particular order of lists.
 */
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { guildCreateOf, keyOf, PARTS } from '../../src/guild-state/raw-guild.js';
import type { Payload } from '../../src/guild-state/raw-guild.js';
import { emptyState, reduce } from '../../src/guild-state/reduce.js';
import type { ShardState } from '../../src/guild-state/reduce.js';

/** All that can happen in a guild. */
export const EVERYTHING = { guilds: 30, members: 15, presences: 15, voice: 15, messages: 10, reactions: 2, typing: 2 };

export const ALL_INTENTS: number = 0x1ffff | (0b11 << 20) | (0b11 << 24);
const LARGE_THRESHOLD = 250;

/** What GUILD_CREATE says of each guild of a shard now, by id. */
export function shownByWorld({ world }: GatewayEmulator, shard = 0, count = 1): Record<string, unknown> {
  const reader = { intents: ALL_INTENTS, largeThreshold: LARGE_THRESHOLD };
  const guilds = [...world.guildsOf(shard, count)];
  return Object.fromEntries(guilds.map((guild) => [guild.id, sorted(JSON.parse(guild.createJson(reader)) as Payload)]));
}

/** With its lists as maps. */
export function sorted(guild: Payload): Payload {
  const lists = PARTS.map((part) => {
    const items = (guild[part] ?? []) as readonly object[];
    return [part, Object.fromEntries(items.map((item) => [keyOf(part, item), item]))];
  });
  return { ...guild, ...Object.fromEntries(lists) };
}

/** As a session with all intents begins: READY, then every guild. */
export function begin(gateway: GatewayEmulator, state: ShardState): void {
  const { world } = gateway;
  const guilds = [...world.guildsOf(0, 1)];
  const user = JSON.parse(world.userJson) as Payload;
  const application = JSON.parse(world.applicationJson) as Payload;
  reduce(state, { t: 'READY', d: { user, application, guilds: guilds.map(({ id }) => ({ id, unavailable: true })) } });
  for (const guild of guilds) {
    const json = guild.createJson({ intents: ALL_INTENTS, largeThreshold: LARGE_THRESHOLD });
    reduce(state, { t: 'GUILD_CREATE', d: JSON.parse(json) as unknown });
  }
}

export function kept(state: ShardState): Record<string, unknown> {
  const guilds = [...state.guilds].map(([id, guild]) => [id, guild && sorted(guildCreateOf(guild))]);
  return Object.fromEntries(guilds) as Record<string, unknown>;
}

/** An emulator of which nobody is told but `state`. */
export async function inWorld(seed: number, run: (gateway: GatewayEmulator, state: ShardState) => void): Promise<void> {
  await using gateway = await startGatewayEmulator({ seed, guilds: 4, members: 12 });
  const state = emptyState();
  const stop = gateway.onEmitted(({ type, json }) => reduce(state, { t: type, d: JSON.parse(json) as unknown }));
  run(gateway, state);
  stop();
}
