/**
 * A shard that was running elsewhere, given to discord.js the way Discord would at the start of a session: READY, then a GUILD_CREATE
 * for each guild, unless they came from its origin (staged-state.ts). Since READY announces them, discord.js knows that they are not
 * new: no guildCreate is emitted.
 */
import type { Breather } from '../../breather.js';
import type { Payload } from './export/fields.js';
import type { WholeState } from './staged-state.js';

/** As the gateway's manager emits them. */
export type Deliver = {
  ready: (data: Payload) => void;
  dispatch: (type: 'READY' | 'GUILD_CREATE' | 'GUILD_DELETE', data: Payload) => void;
};

/** What a session begins with, wherever it comes from. */
export type Beginning = { ready: Payload; guilds: readonly { type: 'GUILD_CREATE' | 'GUILD_DELETE'; data: Payload }[] };

/** Its guilds are in the caches, so that no more than READY is missing. */
export function deliverStaged({ user, application }: WholeState, deliver: Deliver): void {
  begin(deliver, { v: 10, user, application, guilds: [] });
}

/** As it came from Discord. */
export async function deliverBeginning(beginning: Beginning, deliver: Deliver, breather: Breather): Promise<void> {
  begin(deliver, beginning.ready);
  for (const { type, data } of beginning.guilds) {
    deliver.dispatch(type, data);
    await breather.breathe();
  }
}

function begin(deliver: Deliver, ready: Payload): void {
  deliver.ready(ready);
  deliver.dispatch('READY', ready);
}
