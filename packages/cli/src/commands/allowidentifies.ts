import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addAllowIdentifies(program: Command): void {
  const command = program
    .command('allowidentifies <count>')
    .description('let so many IDENTIFYs go beyond the reserve of the day; 0 takes it back');
  withCommonHelp(command, ['dso allowidentifies 10', 'dso allowidentifies 0']).action(
    (count: string, options: ConnectionOptions) =>
      runCommand(options, (client) => answer(client.post('/allowidentifies', { count }))),
  );
}
