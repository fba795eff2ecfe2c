import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { interruptible } from '../interruptible.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addShutdownNode(program: Command): void {
  const command = program.command('shutdownnode <node>').description('shut a node down; its shards start elsewhere');
  withCommonHelp(command, ['dso shutdownnode web-1']).action((node: string, options: ConnectionOptions) =>
    runCommand(options, (client) =>
      answer(
        interruptible(
          client,
          { goesOn: 'The node shuts down all the same: see dso status.' },
          client.post('/shutdownnode', { node_id: node }),
        ),
      ),
    ),
  );
}
