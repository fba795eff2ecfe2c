/** The whole command line. Commands are one file each in `commands/`. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAllowIdentifies } from './commands/allowidentifies.js';
import { addBlacklistNode } from './commands/blacklistnode.js';
import { addCall } from './commands/call.js';
import { addCancel } from './commands/cancel.js';
import { addDeployedVersion } from './commands/deployedversion.js';
import { addEvents } from './commands/events.js';
import { addFullMigration } from './commands/fullmigration.js';
import { addMigrateNode } from './commands/migratenode.js';
import { addMigrateShard } from './commands/migrateshard.js';
import { addOperations } from './commands/operations.js';
import { addPullNewVersion } from './commands/pullnewversion.js';
import { addRelease } from './commands/release.js';
import { addShutdownNode } from './commands/shutdownnode.js';
import { addStartNode } from './commands/startnode.js';
import { addStartShards } from './commands/startshards.js';
import { addStatus } from './commands/status.js';
import { addStopShard } from './commands/stopshard.js';
import { addTakeOver } from './commands/takeover.js';
import { addUncordon } from './commands/uncordon.js';
import { addUp } from './commands/up.js';
import { addVerifyTrace } from './commands/verify-trace.js';
import { CLI_ERRORS } from './errors.js';

const EXAMPLES = `
Examples:
  $ dso up --bot ./bot.js --nodes 2 --shards auto   an orchestrator and two bot processes
  $ dso status                                      from another terminal: what runs where
  $ dso pullnewversion && dso rollout               a deploy: every node is replaced, and no event is lost`;

const EXIT_CODES = `
Exit codes:
  0  done
  1  the orchestrator refused or failed (for \`up\`: it could not start; for \`verify-trace\`: something is violated)
  2  the command line, or the trace, cannot be understood
  3  nobody listens at the address, or no orchestrator does

Environment:
  DSO_CLI_ADDR                where the orchestrator's REST interface is
  DSO_TOKEN, DSO_TOKEN_FILE   its token, or a file that holds it`;

export function createProgram(): Command {
  const program = new Command('dso')
    .description('Runs a Discord bot’s shards on any number of nodes and moves them live.')
    .version(packageVersion(), '--version', 'print the version')
    // Before the commands: they inherit it. Without it commander would exit by itself, with 1 for every fault.
    .exitOverride()
    .showHelpAfterError('(`dso --help` shows the commands, `dso help <command>` what one takes)')
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`);
  addUp(program);
  addStatus(program);
  addEvents(program);
  addStartNode(program);
  addShutdownNode(program);
  addMigrateShard(program);
  addMigrateNode(program);
  addFullMigration(program);
  addOperations(program);
  addCancel(program);
  addStartShards(program);
  addStopShard(program);
  addTakeOver(program);
  addRelease(program);
  addBlacklistNode(program);
  addUncordon(program);
  addAllowIdentifies(program);
  addCall(program);
  addVerifyTrace(program);
  addDeployedVersion(program);
  addPullNewVersion(program);
  return program;
}

/** Commander's own faults are all about the command line. */
export const USAGE_EXIT_CODE: number = CLI_ERRORS.DSO_CLI_USAGE.exitCode;

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}
