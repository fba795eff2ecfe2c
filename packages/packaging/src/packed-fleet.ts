/** `dso up` as it was installed from its tarball, in a project of somebody who has nothing else of ours. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { run, type Ran } from './tarballs.js';

export type PackedFleetOptions = {
  /** The project. */
  readonly folder: string;
  /** What follows `dso up`: the bot, and how much of it. */
  readonly args: readonly string[];
  readonly emulator: Pick<GatewayEmulator, 'apiUrl' | 'token'>;
  readonly env?: Readonly<Record<string, string>>;
};

const LOG_LINES = 2_000;

export class PackedFleet {
  /** What the orchestrator and the bots have said, the last of it. */
  readonly log: readonly string[];
  readonly #orchestrator: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #dso: (args: readonly string[]) => Promise<Ran>;

  private constructor(
    orchestrator: ChildProcess,
    log: readonly string[],
    dso: (args: readonly string[]) => Promise<Ran>,
  ) {
    this.log = log;
    this.#dso = dso;
    this.#orchestrator = orchestrator;
    this.#ended = orchestrator.exitCode === null ? once(orchestrator, 'exit') : Promise.resolve();
  }

  /** Resolves when the orchestrator listens. */
  static async start({ folder, args, emulator, env }: PackedFleetOptions): Promise<PackedFleet> {
    const dso = join(folder, 'node_modules', '.bin', 'dso');
    const places = [
      '--listen',
      '127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
      '--data-dir',
      mkdtempSync(join(folder, '.dso-')),
    ];
    const environment = { ...process.env, DISCORD_TOKEN: emulator.token, DISCORD_API: emulator.apiUrl, ...env };
    const own = ['--json', '--log', 'json', ...places, '-s', 'discord.identifyWindow=250ms'];
    const child = spawn(dso, ['up', ...args, ...own], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      if (said.length > LOG_LINES) said.shift();
    });
    const [line] = await Promise.race([
      once(createInterface(child.stdout), 'line'),
      once(child, 'exit').then(() => Promise.reject(new Error(`dso up ended at once: ${said.join('\n')}`))),
    ]);
    const { http } = JSON.parse(String(line)) as { http: string };
    const operator = { ...environment, DSO_CLI_ADDR: http };
    return new PackedFleet(child, said, (command) => run(dso, command, { env: operator }));
  }

  /** Throws with what `dso` said, unless its exit code is 0. */
  async dso(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#dso(args);
    if (code !== 0) throw new Error(`dso ${args.join(' ')} ended with ${code}: ${stderr.trim() || stdout.trim()}`);
    return stdout;
  }

  /** Ctrl-C. Resolves with the exit code. */
  async end(): Promise<number | null> {
    this.#orchestrator.kill('SIGTERM');
    await this.#ended;
    return this.#orchestrator.exitCode;
  }
}
