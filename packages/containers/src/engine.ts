/** podman and podman-compose, called from inside the sandbox. */
import { run, type Ran } from '@dshard/packaging';

export class Engine {
  readonly #folder: string;
  readonly #composeFiles: readonly string[];

  /** @param folder where the compose files are. */
  constructor(folder: string, composeFiles: readonly string[]) {
    this.#folder = folder;
    this.#composeFiles = composeFiles;
  }

  /** Throws with what podman said, unless its exit code is 0. */
  async podman(...args: readonly string[]): Promise<string> {
    return succeeded('podman', args, await run('podman', args, { cwd: this.#folder }));
  }

  /** Whatever its exit code is. */
  tryPodman(...args: readonly string[]): Promise<Ran> {
    return run('podman', args, { cwd: this.#folder });
  }

  /** podman-compose ends with 0 whatever podman did: what came of it is looked at, never believed. */
  async compose(...args: readonly string[]): Promise<string> {
    const words = [...this.#composeFiles.flatMap((file) => ['-f', file]), ...args];
    return succeeded('podman-compose', words, await run('podman-compose', words, { cwd: this.#folder }));
  }

  /** What a program in a container prints. */
  inside(container: string, ...command: readonly string[]): Promise<string> {
    return this.podman('exec', container, ...command);
  }

  /** Names of containers that are there, running or not. */
  async containers(): Promise<readonly string[]> {
    return words(await this.podman('ps', '--all', '--format', '{{.Names}}'));
  }

  /** The last of what each container said. */
  async lastWords(lines: number): Promise<string> {
    const said = await Promise.all(
      (await this.containers()).map(async (name) => {
        const { stdout, stderr } = await this.tryPodman('logs', '--tail', `${lines}`, name);
        return `--- ${name}\n${stdout}${stderr}`;
      }),
    );
    return said.join('\n');
  }

  /** Everything that is there goes, at once. */
  async removeAll(): Promise<void> {
    await this.tryPodman('pod', 'rm', '--all', '--force', '--time=0');
    await this.tryPodman('rm', '--all', '--force', '--volumes', '--time=0');
    await this.tryPodman('volume', 'prune', '--force');
    await this.tryPodman('secret', 'rm', '--all');
    await this.tryPodman('network', 'prune', '--force');
  }
}

function succeeded(program: string, args: readonly string[], { code, stdout, stderr }: Ran): string {
  if (code === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr.trim() || stdout.trim()}`);
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
