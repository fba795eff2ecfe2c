/**
 * `dso init`: writes dso.yaml for the bot in this folder and, on wish, the files for systemd, Compose or Kubernetes.
 * What is there is never overwritten without --force. Asks on a terminal; elsewhere the flags decide.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { counted, parseWholeNumber, printable } from '@dshard/protocol';
import { InvalidArgumentError, type Command } from 'commander';
import { CliError } from '../errors.js';
import { addForm, formOf, type FormOptions } from '../output/form.js';
import { examplesHelp } from '../run-command.js';
import { filesFor, FIRST_BOT, SCHEDULERS, type NewFile, type Scheduler } from './files.js';
import { lookAt, type Project } from './project.js';

type Options = FormOptions & {
  bot?: string;
  nodes?: number;
  with?: readonly Scheduler[];
  yes?: boolean;
  force?: boolean;
};
type Written = { path: string; done: 'written' | 'kept' };

const DEFAULT_NODES = 2;
const MOST_NODES = 1000;
const GUIDES = 'https://github.com/dshardorchestrator/dshardorchestrator/blob/main/';

export function addInit(program: Command): void {
  const command = program
    .command('init')
    .description('write dso.yaml for the bot in this folder, and on wish files for systemd, Compose or Kubernetes')
    .option('--bot <file>', 'the bot’s file; by default what package.json and the usual names say')
    .option('--nodes <n>', `how many processes of the bot (${DEFAULT_NODES})`, nodesOf)
    .option('--with <list>', `also files for ${SCHEDULERS.join(', ')}, with commas between them`, schedulersOf)
    .option('-y, --yes', 'ask nothing')
    .option('--force', 'overwrite what is there');
  addForm(command)
    .addHelpText(
      'after',
      examplesHelp([
        'dso init',
        'dso init --yes',
        'dso init --with systemd',
        'dso init --bot dist/bot.js --with compose,kubernetes --yes',
      ]),
    )
    .action(init);
}

async function init(options: Options): Promise<void> {
  const cwd = process.cwd();
  if (options.bot !== undefined && !existsSync(join(cwd, options.bot))) {
    throw new CliError('DSO_CLI_USAGE', `There is no file ${options.bot} here.`);
  }
  const found = lookAt(cwd, options.bot?.replace(/^\.\//, '') ?? null);
  const isAsked = options.yes !== true && process.stdin.isTTY && process.stderr.isTTY;
  const { project, nodes, schedulers } = isAsked ? await ask(found, options) : { project: found, ...wishesOf(options) };
  const files = filesFor(project, {
    nodes,
    schedulers,
    node: process.execPath,
    newSecret: () => randomBytes(32).toString('hex'),
  });
  const written = files.map((file) => write(cwd, file, options.force === true));
  const next = nextSteps(project, written, schedulers);
  const document = { project: summaryOf(project), files: written, next };
  process.stdout.write(
    formOf(options) === 'json' ? `${JSON.stringify(document)}\n` : `${textOf(project, written, next)}\n`,
  );
}

function wishesOf({ nodes = DEFAULT_NODES, with: schedulers = [] }: Options): {
  nodes: number;
  schedulers: readonly Scheduler[];
} {
  return { nodes, schedulers };
}

/** Enter takes what stands in brackets. The end of the input writes nothing. */
async function ask(
  found: Project,
  options: Options,
): Promise<{ project: Project; nodes: number; schedulers: readonly Scheduler[] }> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  reader.once('close', () => ended.abort());
  const question = async <T>(text: string, usual: string, read: (answer: string) => T): Promise<T> => {
    for (;;) {
      const answer = await reader.question(`${text} [${printable(usual)}] `, { signal: ended.signal });
      try {
        return read(answer.trim() === '' ? usual : answer.trim());
      } catch (error) {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
  };
  try {
    const bot = await question('The bot’s file?', found.entry ?? `a new ${FIRST_BOT}`, (answer) => {
      if (answer === found.entry || answer === `a new ${FIRST_BOT}`) return null;
      if (!existsSync(join(found.folder, answer))) throw new Error(`There is no file ${answer} here.`);
      return answer.replace(/^\.\//, '');
    });
    const nodes = await question('How many processes?', String(options.nodes ?? DEFAULT_NODES), nodesOf);
    const wished = (options.with ?? []).join(',');
    const schedulers = await question(
      `Also files for ${SCHEDULERS.join(', ')}?`,
      wished === '' ? 'none' : wished,
      schedulersOf,
    );
    return { project: bot === null ? found : lookAt(found.folder, bot), nodes, schedulers };
  } catch (cause) {
    if (!ended.signal.aborted) throw cause;
    throw new CliError('DSO_CLI_CANCELLED', 'Nothing was written.', { cause });
  } finally {
    reader.close();
  }
}

function nodesOf(written: string): number {
  const nodes = parseWholeNumber(written);
  if (nodes === undefined || nodes < 1 || nodes > MOST_NODES) {
    throw new InvalidArgumentError(`Write a number from 1 to ${MOST_NODES}.`);
  }
  return nodes;
}

function schedulersOf(written: string): readonly Scheduler[] {
  const names = written
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'none');
  return names.map((name) => {
    const known = SCHEDULERS.find((each) => each === name);
    if (known === undefined)
      throw new InvalidArgumentError(`There is ${SCHEDULERS.join(', ')}, with commas between them.`);
    return known;
  });
}

function write(folder: string, { path, text, mode = 0o644, folderMode }: NewFile, force: boolean): Written {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true, ...(folderMode !== undefined && { mode: folderMode }) });
  try {
    // Whoever overwrites a file that cannot be written makes another one.
    if (force) rmSync(full, { force: true });
    writeFileSync(full, text, { flag: 'wx', mode });
    return { path, done: 'written' };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return { path, done: 'kept' };
    throw error;
  }
}

function summaryOf({ entry, library, isTypeScript, isOrchestrated }: Project): object {
  return {
    bot: entry ?? FIRST_BOT,
    library: library?.name ?? null,
    typescript: isTypeScript,
    orchestrated: entry === null || isOrchestrated,
  };
}

function nextSteps(project: Project, written: readonly Written[], schedulers: readonly Scheduler[]): readonly string[] {
  const { entry, packages, runner } = project;
  const needed = ['@dshard/node', '@dshard/cli', '@dshard/orchestrator', ...(entry === null ? ['discord.js'] : [])];
  const isTypeScript = entry !== null && /\.[cm]?ts$/.test(entry);
  const missing = [...needed, ...(isTypeScript && runner === null ? ['tsx'] : [])].filter(
    (name) => !packages.has(name),
  );
  const images = written.some(({ path }) => path === 'Dockerfile');
  return [
    ...(missing.length === 0 ? [] : [`npm install ${missing.join(' ')}`]),
    ...(entry !== null && !project.isEntryThere ? ['npm run build'] : []),
    ...(images ? ['(cd orchestrator && npm install --package-lock-only)'] : []),
    ...(process.env['DISCORD_TOKEN'] || schedulers.length > 0 ? [] : ['export DISCORD_TOKEN=…']),
    'npx dso doctor',
    lastStep(schedulers),
  ];
}

function lastStep(schedulers: readonly Scheduler[]): string {
  const first: Scheduler | undefined = schedulers[0];
  switch (first) {
    case 'systemd':
      return 'sudo cp deploy/*.service /etc/systemd/system/';
    case 'compose':
      return 'docker compose up -d --build';
    case 'kubernetes':
      return 'kubectl apply -k kubernetes';
    case undefined:
      return 'npx dso up';
  }
}

function textOf(project: Project, written: readonly Written[], next: readonly string[]): string {
  const { entry, library, isOrchestrated, isTypeScript } = project;
  const what = [library?.name ?? 'no library that is known', isTypeScript ? 'TypeScript' : 'JavaScript'].join(', ');
  const head =
    entry === null ? `No bot was found here, so ${FIRST_BOT} is a first one.` : `The bot is ${entry} (${what}).`;
  const kept = written.filter(({ done }) => done === 'kept');
  return [
    printable(head),
    ...written.map(({ path, done }) => `  ${done.padEnd(8)} ${path}`),
    ...(kept.length === 0
      ? []
      : [`${counted(kept.length, 'file')} ${kept.length === 1 ? 'was' : 'were'} there already: --force overwrites.`]),
    ...(entry === null || isOrchestrated || library === null
      ? []
      : [
          '',
          `${entry} has to let the orchestrator place its shards (${GUIDES}${library.guide}):`,
          ...library.uses.map((line) => `  ${line}`),
        ]),
    ...secretsNote(written),
    '',
    'Type next:',
    ...next.map((command) => `  ${command}`),
    ...(next.at(-1)?.startsWith('npx') === true ? [] : [`What else that takes: ${GUIDES}docs/guide/README.md`]),
  ].join('\n');
}

function secretsNote(written: readonly Written[]): readonly string[] {
  if (!written.some(({ path, done }) => path === '.env' && done === 'written')) return [];
  return ['', 'Write the bot’s token into .env. Keep .env and secrets/ out of version control.'];
}
