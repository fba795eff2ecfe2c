import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addBlacklistNode(program: Command): void {
  const command = program
    .command('blacklistnode <node>')
    .description('give a node no new shards; it keeps those it has')
    .alias('cordon');
  withCommonHelp(command, ['dso cordon web-1']).action((node: string, options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.post('/blacklistnode', { node }))),
  );
}
