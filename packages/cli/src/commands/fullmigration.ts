import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { interruptible } from '../interruptible.js';
import { describeRollout, withProgress } from '../progress.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addFullMigration(program: Command): void {
  const command = program
    .command('fullmigration')
    .alias('rollout')
    .description(
      'replace every node by a new one with the deployed version; answers when done (`dso cancel` stops it)',
    );
  withCommonHelp(command, ['dso rollout', 'dso pullnewversion && dso rollout']).action((options: ConnectionOptions) =>
    runCommand(options, (client) => {
      const replaced = withProgress({ client, describe: describeRollout }, client.post('/fullmigration'));
      return answer(interruptible(client, { kind: 'rollout' }, replaced));
    }),
  );
}
