/** What the history says of nodes that were lost. */
import type { Fleet } from './fleet.js';
import type { HappeningRow } from './orchestrator-client.js';

export async function happened({ client }: Fleet, name: string): Promise<readonly HappeningRow[]> {
  return (await client.events(0)).filter((each) => each.name === name);
}

/** How often a shard was resumed on another node than the one that died with its state. Its events since the last checkpoint come again. */
export async function timesResumed(fleet: Fleet): Promise<number> {
  const started = await happened(fleet, 'shardRunning');
  return started.filter(({ text }) => text.includes('is resumed')).length;
}
