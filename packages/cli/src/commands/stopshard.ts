import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { askAndWait, withCommonHelp } from '../run-command.js';

export function addStopShard(program: Command): void {
  const command = program.command('stopshard <shard>').description('stop a shard where it runs');
  withCommonHelp(command, ['dso stopshard 3']).action((shard: string, options: ConnectionOptions) =>
    askAndWait(options, {
      path: '/stopshard',
      parameters: { shard },
      goesOn: 'The shard is stopped all the same: see dso status.',
    }),
  );
}
