import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addStopShard(program: Command): void {
  const command = program.command('stopshard <shard>').description('stop a shard where it runs');
  withCommonHelp(command, ['dso stopshard 3']).action((shard: string, options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.post('/stopshard', { shard }))),
  );
}
