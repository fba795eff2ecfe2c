import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { interruptible } from '../interruptible.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addStopShard(program: Command): void {
  const command = program.command('stopshard <shard>').description('stop a shard where it runs');
  withCommonHelp(command, ['dso stopshard 3']).action((shard: string, options: ConnectionOptions) =>
    runCommand(options, (client) =>
      answer(
        interruptible(
          client,
          { goesOn: 'The shard is stopped all the same: see dso status.' },
          client.post('/stopshard', { shard }),
        ),
      ),
    ),
  );
}
