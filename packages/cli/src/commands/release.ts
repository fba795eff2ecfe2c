import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addRelease(program: Command): void {
  const command = program
    .command('release <shard>')
    .description('let a quarantined shard be started again (`dso status` shows which are)')
    .addHelpText(
      'after',
      '\nA shard is quarantined when node after node died while it was being started there. It is on probation then: another death, and it is\n' +
        'quarantined at once. Discord keeps its events for a minute or two; a shard released later than that begins a new session.',
    );
  withCommonHelp(command, ['dso release 3']).action((shard: string, options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.post('/releaseshard', { shard }))),
  );
}
