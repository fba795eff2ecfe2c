import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { interruptible } from '../interruptible.js';
import { describeDrain, withProgress } from '../progress.js';
import { answer, runCommand, withCommonHelp } from '../run-command.js';

type Options = ConnectionOptions & { shutdown: boolean };

export function addMigrateNode(program: Command): void {
  const command = program
    .command('migratenode <from> <to>')
    .description('move all shards of a node to another one, then shut it down; answers when done')
    .option('--no-shutdown', 'leave the emptied node running');
  withCommonHelp(command, ['dso migratenode web-1 web-2', 'dso migratenode web-1 web-2 --no-shutdown']).action(
    (from: string, to: string, options: Options) =>
      runCommand(options, (client) => {
        const parameters = { origin_node: from, destination_node: to, shutdown: String(options.shutdown) };
        const moved = client.post('/migratenode', parameters);
        const shown = withProgress({ client, describe: (status) => describeDrain(status, from) }, moved);
        return answer(interruptible(client, { kind: 'drain', origin: from }, shown));
      }),
  );
}
