import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

export function addShutdownNode(program: Command): void {
  const command = program.command('shutdownnode <node>').description('shut a node down; its shards start elsewhere');
  withCommonHelp(command, ['dso shutdownnode web-1']).action((node: string, options: ConnectionOptions) =>
    runCommand(options, (client) => answer(client.post('/shutdownnode', { node_id: node }))),
  );
}
