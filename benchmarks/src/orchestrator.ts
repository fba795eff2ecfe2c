/** The orchestrator of a benchmark, as `dso up` starts it, with its store on the disk of the folder. */
import { resolveConfig } from '@dshard/api/config';
import { startOrchestrator } from '@dshard/orchestrator';
import { silentLogger, type Clock } from '@dshard/transport';

export type BenchOrchestrator = {
  listen: string;
  shards: number;
  /** The folder of the store. */
  folder: string;
  discord: { api: string; token: string };
};

/** @param more settings by their keys, as they are written */
export function startBenchOrchestrator(
  { listen, shards, folder, discord }: BenchOrchestrator,
  clock: Clock,
  more: Readonly<Record<string, string>> = {},
): ReturnType<typeof startOrchestrator> {
  const settings = {
    listen,
    totalShards: String(shards),
    tokenless: 'true',
    'http.enabled': 'false',
    'discord.api': discord.api,
    'discord.token': discord.token,
    ...more,
  };
  const flags = Object.entries(settings).map(([key, written]) => ({ key, written, flag: key }));
  return startOrchestrator(resolveConfig({ cwd: folder, flags }), { clock, logger: silentLogger });
}
