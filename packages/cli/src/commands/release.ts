import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addRelease(program: Command): void {
  const command = program
    .command('release <shard>')
    .description('let a quarantined shard be started again (`dso status` shows which are)');
  withCommonHelp(command, ['dso release 3']).action((shard: string, options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.post('/releaseshard', { shard }))),
  );
}
