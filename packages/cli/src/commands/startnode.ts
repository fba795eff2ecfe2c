import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { askAndWait, withCommonHelp } from '../run-command.js';

export function addStartNode(program: Command): void {
  const command = program.command('startnode').description('launch one more node; answers when it has connected');
  withCommonHelp(command, ['dso startnode']).action((options: ConnectionOptions) =>
    askAndWait(options, { path: '/startnode', goesOn: 'The node comes up all the same: see dso status.' }),
  );
}
