import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addDeployedVersion(program: Command): void {
  const command = program.command('deployedversion').description('show the version a node started now would run');
  withCommonHelp(command, ['dso deployedversion']).action((options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.get('/deployedversion'))),
  );
}
