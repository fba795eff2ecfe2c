/**
 * Fails a test that leaves something behind: a timer, a socket, a server, a child process. What was there before the
 * test (the test runner's own) does not count.
 *
 * Handles are counted by Node. Timers cannot be counted that way, because the runner's own come and go meanwhile: the
 * global functions are watched instead, which the runner does not use while a test runs.
 */
import { until } from './until.js';

export type LeakGuardOptions = {
  /** How long closing things may take before they count as left behind. Default 2 s. */
  graceMs?: number;
};

/** The hooks of the test runner, handed in so that the testkit depends on none. */
export type TestHooks = {
  beforeEach(hook: () => void | Promise<void>): unknown;
  afterEach(hook: () => void | Promise<void>): unknown;
};

const DEFAULT_GRACE_MS = 2_000;

/** Everything that outlives a test only by mistake. File reads and name look-ups end by themselves. */
const WATCHED_HANDLES: ReadonlySet<string> = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'TLSWrap',
  'PipeServerWrap',
  'UDPWRAP',
  'ProcessWrap',
  'Worker',
  'FSEventWrap',
  'StatWatcher',
]);

/** `leakGuard({ beforeEach, afterEach })` at the top of a test file: it looks after the other hooks have cleaned up. */
export function leakGuard(hooks: TestHooks, { graceMs = DEFAULT_GRACE_MS }: LeakGuardOptions = {}): void {
  const timers = new TimerWatch();
  let handlesBefore: ReadonlyMap<string, number> = new Map();
  const leftBehind = (): string[] => [...moreHandles(handlesBefore), ...timers.active()];

  hooks.beforeEach(() => {
    handlesBefore = countHandles();
    timers.start();
  });
  hooks.afterEach(async () => {
    try {
      await until(() => leftBehind().length === 0, { timeoutMs: graceMs, what: 'everything to be closed' });
    } catch {
      throw new Error(`The test left behind: ${leftBehind().join(', ')}.`);
    } finally {
      timers.stop();
    }
  });
}

/** Kinds of handles of which there are more now, with how many more. */
function moreHandles(before: ReadonlyMap<string, number>): string[] {
  return [...countHandles()]
    .map(([kind, count]) => ({ kind, more: count - (before.get(kind) ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ kind, more }) => `${more} ${kind}`);
}

function countHandles(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (WATCHED_HANDLES.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

type SetTimer = (callback: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) => NodeJS.Timeout;
type ClearTimer = (timer: unknown) => void;
type TimerFunctions = {
  setTimeout: SetTimer;
  setInterval: SetTimer;
  clearTimeout: ClearTimer;
  clearInterval: ClearTimer;
};

/** Knows the timers that were set between `start` and `stop`, and which of them still hold the process. */
class TimerWatch {
  readonly #globals = globalThis as unknown as TimerFunctions;
  #originals: TimerFunctions | null = null;
  /** With where each was set. */
  readonly #set = new Map<NodeJS.Timeout, string>();

  start(): void {
    const { setTimeout, setInterval, clearTimeout, clearInterval } = this.#globals;
    this.#originals = { setTimeout, setInterval, clearTimeout, clearInterval };
    const forget = (timer: unknown): void => {
      this.#set.delete(timer as NodeJS.Timeout);
    };
    const functions: TimerFunctions = {
      setTimeout: (callback, delayMs, ...args) => {
        const timer = setTimeout(
          (...given) => {
            forget(timer);
            callback(...given);
          },
          delayMs,
          ...args,
        );
        this.#set.set(timer, caller());
        return timer;
      },
      setInterval: (callback, delayMs, ...args) => {
        const timer = setInterval(callback, delayMs, ...args);
        this.#set.set(timer, caller());
        return timer;
      },
      clearTimeout: (timer) => {
        forget(timer);
        clearTimeout(timer);
      },
      clearInterval: (timer) => {
        forget(timer);
        clearInterval(timer);
      },
    };
    Object.assign(this.#globals, functions);
  }

  stop(): void {
    if (this.#originals !== null) Object.assign(this.#globals, this.#originals);
    this.#originals = null;
    this.#set.clear();
  }

  active(): string[] {
    return [...this.#set].filter(([timer]) => timer.hasRef()).map(([, where]) => `a timer set ${where}`);
  }
}

/** Who set the timer, as the stack tells: "at Session.start (…/session.ts:20:13)". The clock itself says nothing. */
function caller(): string {
  const lines = (new Error('only for its stack').stack ?? '').split('\n').slice(3);
  const where = lines.find((line) => !line.includes('system-clock')) ?? '';
  return where.trim();
}
