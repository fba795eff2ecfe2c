import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addTakeOver(program: Command): void {
  const command = program
    .command('takeover <node>')
    .description('say that a silent node is dead: its shards are resumed elsewhere at once')
    .addHelpText(
      'after',
      '\nA node whose process ended is taken over by itself, a silent one after maxNodeDowntime. When most nodes are silent at once, none\n' +
        'is: the orchestrator may be cut off. Then this says which ones are dead for certain. One that lives all the same lets go when it is\n' +
        'heard of; if that is within maxNodeDowntime, some events come twice.',
    );
  withCommonHelp(command, ['dso takeover web-3']).action((node: string, options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.post('/takeover', { node }))),
  );
}
