import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { askAndWait, withCommonHelp } from '../run-command.js';

export function addMigrateShard(program: Command): void {
  const command = program
    .command('migrateshard <shard> <node>')
    .description('move one shard to a node; answers when it runs there');
  withCommonHelp(command, ['dso migrateshard 3 web-2']).action(
    (shard: string, node: string, options: ConnectionOptions) =>
      askAndWait(options, {
        path: '/migrateshard',
        parameters: { shard, destination_node: node },
        goesOn: 'The move goes on: see dso status, and dso events for how it ended.',
      }),
  );
}
