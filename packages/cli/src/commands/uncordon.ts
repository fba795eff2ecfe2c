import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addUncordon(program: Command): void {
  const command = program.command('uncordon <node>').description('let a cordoned node have new shards again');
  withCommonHelp(command, ['dso uncordon web-1']).action((node: string, options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.post('/uncordonnode', { node }))),
  );
}
