/** `dso status`, and `dso status --watch`. */
import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { describedCommand, wordsOf } from '../endpoint-command.js';
import { formOf } from '../output/form.js';
import { terminalOf } from '../output/terminal.js';
import { runCommand } from '../run-command.js';
import { describeStatus } from './status-text.js';
import { watchStatus } from './watch.js';

type Options = ConnectionOptions & { watch?: boolean };

export function addStatus(program: Command): void {
  describedCommand(program, wordsOf('status'))
    .option('-w, --watch', 'go on showing it: on a terminal in place, elsewhere a line when something changes')
    .action((options: Options) => {
      if (options.watch === true) return watchStatus(options, formOf(options) === 'json');
      return runCommand(options, async (client) => {
        const document = await client.ask('status');
        return { document, text: () => describeStatus(document, terminalOf()) };
      });
    });
}
