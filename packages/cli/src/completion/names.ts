/** Names for completion: asked of the orchestrator, which has a moment; whatever goes wrong, there are just none. */
import { delay, systemClock } from '@dshard/transport';
import { createClient, type Client } from '../client.js';
import { resolveTargets } from '../connection-options.js';
import { leaderAmong } from '../leader.js';
import type { Names } from './candidates.js';

/** Whoever pressed Tab waits no longer. */
const MOMENT_MS = 700;

const ASKED: Readonly<Record<Names, (client: Client) => Promise<readonly string[]>>> = {
  nodes: async (client) => (await client.ask('nodes', { limit: '1000' })).nodes.map(({ id }) => id),
  operations: async (client) => (await client.ask('operations')).map(({ id }) => id),
  hosts: async (client) => (await client.ask('status')).hosts.map(({ name }) => name),
  tokens: async (client) => (await client.ask('tokens')).tokens.map(({ name }) => name),
};

export async function namesFor(names: Names): Promise<readonly string[]> {
  const asked = (async () => ASKED[names](createClient(await leaderAmong(resolveTargets({}, process.env)))))().catch(
    () => [],
  );
  const found = await Promise.race([asked, delay(systemClock(), MOMENT_MS)]);
  return found ?? [];
}
