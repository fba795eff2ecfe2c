import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { askAndWait, withCommonHelp } from '../run-command.js';

export function addStartShards(program: Command): void {
  const command = program.command('startshards <node> <shards>').description('start shards that nobody runs on a node');
  withCommonHelp(command, ['dso startshards web-1 3', 'dso startshards web-1 0-15,20']).action(
    (node: string, shards: string, options: ConnectionOptions) =>
      askAndWait(options, {
        path: '/startshards',
        parameters: { node, shards },
        goesOn: 'The shards are started all the same: see dso status.',
      }),
  );
}
