/** The whole command line: what asks an orchestrator is made from the contract, the others are in `commands/`. */
import { readFileSync } from 'node:fs';
import { CONTRACT, ENDPOINT_NAMES, type Answers, type EndpointName } from '@dshard/api';
import { Command } from 'commander';
import { describeAudit, describeTokens } from './commands/access.js';
import { describeReport } from './commands/call.js';
import { addConfig } from './commands/config.js';
import { describeOperation, describeOperations } from './commands/operations.js';
import { describeHealth, describeShards } from './commands/health.js';
import { describeNodes } from './commands/nodes.js';
import { addStore } from './commands/store.js';
import { addUp } from './commands/up.js';
import { addVerifyTrace } from './commands/verify-trace.js';
import { addCompletion } from './completion/completion.js';
import { addDescribe } from './describe/describe.js';
import { addDoctor } from './doctor/doctor.js';
import { addGet } from './get/get.js';
import { addEvents } from './history/events.js';
import { addHistory } from './history/history.js';
import { addLogs } from './logs/logs.js';
import { addInit } from './init/init.js';
import { addEndpointCommand, commandOf, type Presentation } from './endpoint-command.js';
import { withCommonHelp } from './run-command.js';
import { CLI_ERRORS, EXIT_CODES } from './errors.js';
import { addStatus } from './status/status.js';
import { addOperationCommands, addRolloutViews, addWatch } from './operation-commands.js';

const EXAMPLES = `
Examples:
  $ dso init && dso up                              settings for the bot in this folder, and its fleet
  $ dso up --bot ./bot.js --nodes 2 --shards auto   an orchestrator and two bot processes
  $ dso status                                      from another terminal: what runs where
  $ dso pullnewversion && dso rollout               a deploy: every node is replaced, and no event is lost`;

const AFTER = `
Exit codes:
${Object.entries(EXIT_CODES)
  .map(([code, meaning]) => `  ${code.padEnd(3)}  ${meaning}`)
  .join('\n')}

Environment:
  DSO_CLI_ADDR                where the orchestrator's REST interface is
  DSO_TOKEN, DSO_TOKEN_FILE   its token, or a file that holds it`;

export function createProgram(): Command {
  const program = new Command('dso')
    .description('Runs a Discord bot’s shards on any number of nodes and moves them live.')
    .version(packageVersion(), '--version', 'print the version')
    // Before the commands: they inherit it. Without it commander would exit by itself, with 1 for every fault.
    .exitOverride()
    .showHelpAfterError('(`dso --help` shows the commands, `dso help <command>` explains one)')
    .addHelpText('after', `${EXAMPLES}\n${AFTER}`);
  addInit(program);
  addUp(program);
  addDoctor(program);
  addGet(program);
  addDescribe(program);
  addOperationCommands(program);
  withCommonHelp(program.command('token').description('API tokens: make, list and revoke them'), [
    'dso token create ci operate',
    'dso token list --json',
    'dso token revoke ci',
  ]);
  for (const name of ENDPOINT_NAMES) addCommandOf(program, name);
  addWatch(commandOf(program, 'operations'));
  addRolloutViews(commandOf(program, 'rollout'));
  addConfig(program);
  addStore(program);
  addVerifyTrace(program);
  addCompletion(program);
  for (const command of program.commands) command.helpGroup(groupOf(command.name()));
  return program;
}

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'To begin:': ['init', 'up', 'doctor', 'config', 'completion'],
  'To look:': [
    'status',
    'health',
    'get',
    'describe',
    'logs',
    'events',
    'history',
    'operations',
    'audit',
    'verify-trace',
  ],
  'To move and to replace:': ['drain', 'rebalance', 'scale', 'rollout', 'takeover', 'cancel', 'pullnewversion'],
};
const OTHERS = 'Single things, and the ancestor’s names:';

function groupOf(name: string): string {
  return Object.entries(GROUPS).find(([, names]) => names.includes(name))?.[0] ?? OTHERS;
}

/** What is answered with a document of its own; all others with a message. */
const PRESENTATIONS: { readonly [Name in EndpointName]?: Presentation<Answers<Name>> } = {
  shards: { text: describeShards, rows: 'shards' },
  health: { text: describeHealth, failed: ({ ok }) => !ok },
  operations: { text: describeOperations },
  operation: { text: describeOperation },
  nodes: { text: describeNodes, rows: 'nodes' },
  tokens: { text: describeTokens },
  createToken: { text: ({ Message, token }) => `${Message} The token is shown this once:\n${token}` },
  audit: { text: describeAudit },
  call: { text: describeReport, failed: (report) => report.Error },
};

function addCommandOf(program: Command, name: EndpointName): void {
  if (name === 'events') {
    addEvents(program);
    addHistory(program);
    addLogs(program);
  } else if (name === 'status') addStatus(program);
  else if (CONTRACT[name].command !== null) addEndpointCommand(program, name, PRESENTATIONS[name]);
}

/** Commander's own faults are all about the command line. */
export const USAGE_EXIT_CODE: number = CLI_ERRORS.DSO_CLI_USAGE.exitCode;

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}
