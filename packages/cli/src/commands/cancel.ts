import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { askAndWait, withCommonHelp } from '../run-command.js';

export function addCancel(program: Command): void {
  const command = program
    .command('cancel <operation>')
    .description(
      'cancel a drain or a rollout: moves under way finish, nothing further begins; answers when it has ended',
    );
  withCommonHelp(command, ['dso cancel r12', 'dso operations && dso cancel d7']).action(
    (operation: string, options: ConnectionOptions) =>
      askAndWait(options, {
        path: `/v1/operations/${encodeURIComponent(operation)}/cancel`,
        goesOn: 'It is cancelled all the same: dso operations shows when it has ended.',
      }),
  );
}
