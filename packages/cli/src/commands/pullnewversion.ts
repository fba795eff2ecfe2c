import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { interruptible } from '../interruptible.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addPullNewVersion(program: Command): void {
  const command = program
    .command('pullnewversion')
    .description('fetch a newer version; `dso rollout` then brings it to the nodes');
  withCommonHelp(command, ['dso pullnewversion && dso rollout']).action((options: ConnectionOptions) =>
    runCommand(options, (client) =>
      answer(
        interruptible(
          client,
          { goesOn: 'The update goes on: dso deployedversion shows what it brought.' },
          client.post('/pullnewversion'),
        ),
      ),
    ),
  );
}
