/**
 * The tutorial as a newcomer follows it: an empty folder, the packages as they would be published, and nothing but what
 * the page says, once in JavaScript and once in TypeScript. No step may be missing from the page, so nothing is done
 * here that is not in it; only names of our packages become tarballs, because they come from no registry here.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocksOf, commandsOf, namespacesMissing, NamespaceWorld, until, type MarkdownBlock } from '@dshard/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packAll, readWorkspace, run, type Tarball } from '../src/index.js';

const MAX_WORDS = 1_500;
const MAX_COMMANDS = 12;
const STEP_TIMEOUT_MS = 120_000;

const page = readFileSync(new URL('../../../docs/tutorial/README.md', import.meta.url), 'utf8');
/** Of the programs that the test started, npm must not take settings or tokens of the machine. */
const ENV = { ...process.env, DSO_TOKEN: undefined, NODE_OPTIONS: undefined, npm_config_audit: 'false' };

type Language = 'javascript' | 'typescript';

let tarballs: readonly Tarball[];
let packed: string;
/** A network of its own keeps the tutorial's fixed ports from those of others; without it they have to be free. */
let world: NamespaceWorld | null = null;

beforeAll(async () => {
  packed = mkdtempSync(join(tmpdir(), 'dso-tutorial-packed-'));
  tarballs = await packAll(readWorkspace(), packed);
  if (namespacesMissing() === null) world = await NamespaceWorld.make({ hosts: 1 });
}, 120_000);
afterAll(async () => {
  await world?.close();
  rmSync(packed, { recursive: true, force: true });
});

function isFor(language: Language, { attributes, language: fence }: MarkdownBlock): boolean {
  const { run: by, language: only } = attributes;
  if (typeof by === 'string') return by === 'tutorial' || by === `tutorial/${language}`;
  if (typeof only === 'string') return only === language;
  if (fence === 'diff') return true;
  return 'file' in attributes && (fence === 'ts') === (language === 'typescript');
}

test.each<Language>(['javascript', 'typescript'])('the tutorial is short in %s', (language) => {
  const commands = blocksOf(page)
    .filter((block) => block.language === 'sh' && isFor(language, block))
    .flatMap(commandsOf);
  expect(commands.length).toBeGreaterThan(6);
  expect(commands.length).toBeLessThanOrEqual(MAX_COMMANDS);
  expect(page.split(/\s+/).length).toBeLessThanOrEqual(MAX_WORDS);
});

test.each<Language>(['javascript', 'typescript'])(
  'who follows the tutorial in %s has a bot that was rolled out without a lost message',
  async (language) => {
    const folder = mkdtempSync(join(tmpdir(), `dso-tutorial-${language}-`));
    const reader = new Reader(folder);
    try {
      for (const block of blocksOf(page).filter((one) => isFor(language, one))) await reader.follow(block);
      const [fleet = '', discord = ''] = await reader.ctrlC();
      expect(fleet).toContain('Ending the fleet');
      expect(discord).toMatch(/Stopped after \d+ events to sessions, 4 identifies,/);
    } finally {
      await reader.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
  600_000,
);

type Terminal = { readonly command: string; readonly child: ChildProcess; said: string };

class Reader {
  readonly #folder: string;
  readonly #terminals: Terminal[] = [];
  #edited = '';

  constructor(folder: string) {
    this.#folder = folder;
  }

  async follow(block: MarkdownBlock): Promise<void> {
    const { file, background, until: text } = block.attributes;
    if (typeof file === 'string') {
      writeFileSync(join(this.#folder, file), block.code);
      if (file.startsWith('bot.')) this.#edited = file;
      return;
    }
    if (block.language === 'diff') {
      this.#edit(block.code);
      return;
    }
    for (const command of commandsOf(block)) {
      if (background === true) await this.#open(command);
      else if (typeof text === 'string') await this.#look(command, text);
      else await this.#run(command);
    }
  }

  /** Lines with `-` become lines with `+`. */
  #edit(diff: string): void {
    const path = join(this.#folder, this.#edited);
    const [removed = '', added = ''] = ['-', '+'].map((sign) =>
      diff
        .split('\n')
        .filter((line) => line.startsWith(sign))
        .map((line) => line.slice(1))
        .join('\n'),
    );
    const before = readFileSync(path, 'utf8');
    expect(before).toContain(removed);
    writeFileSync(path, before.replace(removed, added));
  }

  /** Programs that stay, each in a terminal of its own, with a process group that Ctrl-C reaches. */
  async #open(command: string): Promise<void> {
    const [program = '', ...args] = this.#words(command);
    const child = spawn(program, args, {
      cwd: this.#folder,
      env: ENV,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const terminal: Terminal = { command, child, said: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (more: string) => (terminal.said += more));
    }
    this.#terminals.push(terminal);
    await until(() => terminal.said !== '' || child.exitCode !== null, { what: `${command} to say something` });
    expect([command, child.exitCode, terminal.said]).toEqual([command, null, terminal.said]);
  }

  /** Typed again until it shows what the page says. */
  async #look(command: string, text: string): Promise<void> {
    let shown = '';
    await until(async () => (shown = await this.#run(command)).includes(text), {
      what: `${command} to show ${text}`,
      timeoutMs: STEP_TIMEOUT_MS,
    }).catch((error: Error) => {
      throw new Error(`${error.message} The last was:\n${shown}\n${this.#everything()}`, { cause: error });
    });
  }

  async #run(command: string): Promise<string> {
    const [program = '', ...args] = this.#words(command);
    const { code, stdout, stderr } = await run(program, args, { cwd: this.#folder, env: ENV });
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${stderr}\n${this.#everything()}`);
    return stdout;
  }

  #words(command: string): readonly string[] {
    const fromTarball = command.replaceAll(/@dshard\/[\w-]+/g, (name) => {
      const found = tarballs.find(({ package: { manifest } }) => manifest.name === name);
      return found?.file ?? name;
    });
    const installs = command.startsWith('npm install');
    // What our packages need of each other would be found by npm in the registry.
    const all = installs ? [fromTarball, ...tarballs.map(({ file }) => file)].join(' ') : fromTarball;
    const isLocal = !command.startsWith('npm ');
    return [...(isLocal ? (world?.host(0).enter ?? []) : []), 'sh', '-c', all];
  }

  #everything(): string {
    return this.#terminals.map(({ command, said }) => `$ ${command}\n${said}`).join('\n');
  }

  /**
   * As the page says: in the terminal of `dso up`, then in that of the local Discord. Resolves with what each has said
   * when its last process has ended: npx ends before the program that it runs.
   */
  async ctrlC(): Promise<readonly string[]> {
    for (const { child } of this.#terminals.toReversed()) {
      const ended = once(child, 'close');
      process.kill(-(child.pid ?? 0), 'SIGINT');
      await ended;
    }
    return this.#terminals.toReversed().map(({ said }) => said);
  }

  async close(): Promise<void> {
    for (const { child } of this.#terminals) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await ended;
    }
  }
}
