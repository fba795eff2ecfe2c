/** `dso describe node|shard|operation|migration ID`: all that is known of one thing, its trouble first. */
import type { Command } from 'commander';
import { systemClock } from '@dshard/transport';
import type { Client } from '../client.js';
import type { ConnectionOptions } from '../connection-options.js';
import { THINGS, type Thing } from '../history/history.js';
import { terminalOf } from '../output/terminal.js';
import { runCommand, withCommonHelp } from '../run-command.js';
import { nodePage } from './node.js';
import { migrationPage, operationPage } from './operation.js';
import { pageText, type Page } from './page.js';
import { shardPage } from './shard.js';

/** What is asked, as one document for programs, and the page for people. */
export type Described = { document: unknown; page: Page };
type Describe = (client: Client, id: string, now: number) => Promise<Described>;

const PAGES: Readonly<Record<Thing, { describe: Describe; example: string }>> = {
  node: { describe: nodePage, example: 'dso describe node web-1' },
  shard: { describe: shardPage, example: 'dso describe shard 3' },
  operation: { describe: operationPage, example: 'dso describe operation r12' },
  migration: { describe: migrationPage, example: 'dso describe migration m7' },
};

export function addDescribe(program: Command): void {
  const describe = program
    .command('describe')
    .description('show all that is known of one node, shard, operation or migration, its trouble first');
  withCommonHelp(
    describe,
    THINGS.map((thing) => PAGES[thing].example),
  );
  for (const thing of THINGS) {
    const { describe: pageOf, example } = PAGES[thing];
    const command = describe
      .command(`${thing} <id>`)
      .description(`all that is known of one ${thing}, what to do, and its latest history`);
    withCommonHelp(command, [example, `${example} --json`]);
    command.action((id: string) =>
      runCommand(command.optsWithGlobals<ConnectionOptions>(), async (client) => {
        const { document, page } = await pageOf(client, id, systemClock().wallClock());
        return { document, text: () => pageText(page, terminalOf()) };
      }),
    );
  }
}
