import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { askAndWait, withCommonHelp } from '../run-command.js';

export function addShutdownNode(program: Command): void {
  const command = program.command('shutdownnode <node>').description('shut a node down; its shards start elsewhere');
  withCommonHelp(command, ['dso shutdownnode web-1']).action((node: string, options: ConnectionOptions) =>
    askAndWait(options, {
      path: '/shutdownnode',
      parameters: { node_id: node },
      goesOn: 'The node shuts down all the same: see dso status.',
    }),
  );
}
