import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { askAndWait, withCommonHelp } from '../run-command.js';

export function addPullNewVersion(program: Command): void {
  const command = program
    .command('pullnewversion')
    .description('fetch a newer version; `dso rollout` then brings it to the nodes');
  withCommonHelp(command, ['dso pullnewversion && dso rollout']).action((options: ConnectionOptions) =>
    askAndWait(options, {
      path: '/pullnewversion',
      goesOn: 'The update goes on: dso deployedversion shows what it brought.',
    }),
  );
}
