/**
 * `dso logs`: what a process of the bot has printed. The launcher of `dso up` keeps a file for each, below its data
 * directory, and that is read here: it stays when the process, or the orchestrator, is gone.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nearest, parseWholeNumber, printable } from '@dshard/protocol';
import { delay, systemClock } from '@dshard/transport';
import { InvalidArgumentError, type Command } from 'commander';
import { configFile, fileOption, setOption, type ConfigOptions } from '../config-options.js';
import { CliError } from '../errors.js';
import { examplesHelp } from '../run-command.js';
import { tailOf } from './tail.js';

type Options = ConfigOptions & { lines: number; follow?: boolean; json?: boolean };

const DETAILS = `
Type it on the machine and in the folder where \`dso up\` launches the nodes; the orchestrator need not run. Where somebody
else starts them their logs are there: journalctl -u dso-node@1, docker compose logs bot, kubectl logs <pod>. The
orchestrator's own log goes to stderr of \`dso up\`.`;

const DEFAULT_LINES = 100;
const LOOK_MS = 250;
const ENDING = '.log';

export function addLogs(program: Command): void {
  program
    .command('logs')
    .description('show what a node’s process has printed, where `dso up` launches the nodes')
    .argument('[node]', 'which; without it, which logs there are')
    .addOption(fileOption())
    .addOption(setOption())
    .option('-n, --lines <n>', `so many of the last lines (${DEFAULT_LINES})`, linesOf, DEFAULT_LINES)
    .option('-f, --follow', 'go on with what comes')
    .option('--json', 'as one JSON document: the path, and the text')
    .addHelpText('after', DETAILS)
    .addHelpText(
      'after',
      examplesHelp(['dso logs', 'dso logs web-1', 'dso logs web-1 --follow', 'dso logs web-1 -n 500 | grep Error']),
    )
    .action(logs);
}

function linesOf(written: string): number {
  const lines = parseWholeNumber(written);
  if (lines === undefined) throw new InvalidArgumentError('Write a number of lines.');
  return lines;
}

async function logs(node: string | undefined, options: Options): Promise<void> {
  const folder = await folderOf(options);
  const known = namesIn(folder);
  if (node === undefined) return list(known, folder, options.json === true);
  if (!known.includes(node)) throw noLog(node, known, folder);
  const path = join(folder, `${node}${ENDING}`);
  const write = (text: string): void => void process.stdout.write(text);
  if (options.follow !== true) {
    const show = options.json === true ? (text: string) => write(`${JSON.stringify({ node, path, text })}\n`) : write;
    tailOf(path, options.lines, show).close();
    return;
  }
  const tail = tailOf(path, options.lines, write);
  for (;;) {
    await delay(systemClock(), LOOK_MS);
    const text = tail.more();
    if (text !== '') write(text);
  }
}

async function folderOf(options: ConfigOptions): Promise<string> {
  const { resolveConfig } = await import('@dshard/api/config');
  const { launcher, values } = resolveConfig({
    flags: options.set ?? [],
    environment: process.env,
    file: configFile(options),
    cwd: process.cwd(),
  });
  return join(launcher?.dataDir ?? join(process.cwd(), values['launcher.dataDir']), 'nodes');
}

function namesIn(folder: string): readonly string[] {
  try {
    const logsOf = readdirSync(folder).filter((name) => name.endsWith(ENDING));
    return logsOf.map((name) => name.slice(0, -ENDING.length)).sort();
  } catch {
    return [];
  }
}

function list(known: readonly string[], folder: string, json: boolean): void {
  const document = { folder, nodes: known };
  const none = `There is none in ${folder}: \`dso help logs\` says where else to look.`;
  const text = known.length === 0 ? none : known.map((name) => printable(name)).join('\n');
  process.stdout.write(json ? `${JSON.stringify(document)}\n` : `${text}\n`);
}

function noLog(node: string, known: readonly string[], folder: string): CliError {
  const meant = nearest(node, known);
  const hint =
    meant === null
      ? '`dso logs` lists what there is, and `dso help logs` says where else to look.'
      : `Did you mean ${meant}?`;
  return new CliError('DSO_CLI_REFUSED', `There is no log of node "${node}" in ${folder}. ${hint}`);
}
