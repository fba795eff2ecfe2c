/** A disk that can be filled: a small tmpfs, which root may mount. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk {
  readonly path: string;
  readonly #sizeMb: number;

  private constructor(path: string, sizeMb: number) {
    this.path = path;
    this.#sizeMb = sizeMb;
  }

  /** null: this user, or this system, cannot mount one. */
  static mount(sizeMb: number): SmallDisk | null {
    const path = mkdtempSync(join(tmpdir(), 'dso-chaos-disk-'));
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', path], {
      stdio: 'ignore',
    });
    if (status === 0) return new SmallDisk(path, sizeMb);
    rmdirSync(path);
    return null;
  }

  get #ballast(): string {
    return join(this.path, 'ballast');
  }

  /** To the last page. */
  fill(): void {
    for (const size of [1024 * 1024, 4096]) {
      try {
        for (let written = 0; written <= this.#sizeMb * 1024 * 1024; written += size) {
          appendFileSync(this.#ballast, Buffer.alloc(size));
        }
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      }
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** Whatever is on it is gone. Throws when it cannot be unmounted. */
  unmount(): void {
    const { status, stderr } = spawnSync('umount', [this.path], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${this.path} cannot be unmounted: ${stderr.trim()}`);
    rmdirSync(this.path);
  }
}
