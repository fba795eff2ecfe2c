/** What the history says of nodes that were lost. */
import type { Fleet } from './fleet.js';
import type { HistoryRow } from './orchestrator-client.js';

export async function recorded({ client }: Fleet, name: string): Promise<readonly HistoryRow[]> {
  return (await client.events(0)).filter((each) => each.name === name);
}

/** How often a shard was resumed on another node than the one that died with its state. Its events since the last checkpoint come again. */
export async function timesResumed(fleet: Fleet): Promise<number> {
  const started = await recorded(fleet, 'shardRunning');
  return started.filter(({ text }) => text.includes('is resumed')).length;
}
