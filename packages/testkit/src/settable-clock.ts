/**
 * The time of the day as some processes see it, which can be set while they run. Debian's libfaketime does so, process
 * by process, and leaves the monotonic clock alone, as the system does when somebody sets the machine's clock. Nothing
 * outside of these processes notices.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARIES = '/usr/lib';
const LIBRARY = 'faketime/libfaketime.so.1';

export class SettableClock {
  readonly #file: string;
  readonly #library: string;

  /** @param file where the time is written for the processes to read. */
  constructor(file: string) {
    const library = libfaketime();
    if (library === null) throw new Error('There is no libfaketime here: install it (`apt-get install faketime`).');
    this.#library = library;
    this.#file = file;
    this.set(0);
  }

  static isAvailable(): boolean {
    return libfaketime() !== null;
  }

  /** How much later than it is they believe it to be. */
  set(aheadS: number): void {
    writeFileSync(this.#file, `${aheadS < 0 ? '' : '+'}${aheadS}\n`);
  }

  /**
   * Of the Node.js processes whose clock it is to be; those that they start inherit it. What libfaketime shares between
   * a process and those it starts is left out: a lock, which stays locked for all of them when one of them is killed
   * while it looks at its clock.
   */
  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_RESET: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent('delete process.env.FAKETIME_SHARED')}`,
    };
  }
}

function libfaketime(): string | null {
  const candidates = existsSync(LIBRARIES) ? readdirSync(LIBRARIES).map((name) => join(LIBRARIES, name, LIBRARY)) : [];
  return candidates.find((path) => existsSync(path)) ?? null;
}
