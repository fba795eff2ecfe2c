/** `dso up` as it was installed from its tarball, in a project of somebody who has nothing else of ours. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import type { Ran } from './tarballs.js';
import { run } from './tarballs.js';

export type PackedFleetOptions = {
  /** The project. */
  readonly folder: string;
  /** `--bot …`, or `--command …`. */
  readonly bot: readonly string[];
  readonly shards: number;
  readonly nodes: number;
  readonly emulator: Pick<GatewayEmulator, 'apiUrl' | 'token'>;
  readonly env?: Readonly<Record<string, string>>;
  /** The Node.js that runs `dso`. */
  readonly node?: string;
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
  static async start(options: PackedFleetOptions): Promise<PackedFleet> {
    const { folder, bot, shards, nodes, emulator, env, node = process.execPath } = options;
    const manifest = createRequire(join(folder, 'package.json')).resolve('@dshard/cli/package.json');
    const dso = join(dirname(manifest), 'bin', 'dso.js');
    const places = [
      '--listen',
      '127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
      '--data-dir',
      mkdtempSync(join(folder, '.dso-')),
    ];
    const sizes = ['--shards', `${shards}`, '--nodes', `${nodes}`, '-s', 'discord.identifyWindow=250ms'];
    const child = spawn(node, [dso, 'up', '--json', '--log', 'json', ...places, ...sizes, ...bot], {
      cwd: folder,
      env: { ...process.env, DISCORD_TOKEN: emulator.token, DISCORD_API: emulator.apiUrl, ...env },
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
    const operator = { ...process.env, DSO_CLI_ADDR: http };
    return new PackedFleet(child, said, (args) => run(node, [dso, ...args], { env: operator }));
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
