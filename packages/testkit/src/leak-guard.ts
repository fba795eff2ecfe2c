/**
 * Fails a test that leaves something behind: a timer, a socket, a server, a child process. Whatever keeps Node alive
 * counts; what was there before the first test (the test runner's own) does not.
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

/** What is watched: everything that outlives a test only by mistake. File reads and DNS look-ups end by themselves. */
const WATCHED: ReadonlySet<string> = new Set([
  'Timeout',
  'Immediate',
  'TCPSocketWrap',
  'TCPServerWrap',
  'TLSWrap',
  'PipeWrap',
  'PipeServerWrap',
  'UDPWRAP',
  'ProcessWrap',
  'Worker',
  'MessagePort',
  'FSEventWrap',
  'StatWatcher',
]);

/** `leakGuard({ beforeEach, afterEach })` at the top of a test file. */
export function leakGuard(hooks: TestHooks, { graceMs = DEFAULT_GRACE_MS }: LeakGuardOptions = {}): void {
  let before: ReadonlyMap<string, number> = new Map();
  hooks.beforeEach(() => {
    before = activeResources();
  });
  hooks.afterEach(async () => {
    await expectNothingLeft(before, graceMs);
  });
}

async function expectNothingLeft(before: ReadonlyMap<string, number>, graceMs: number): Promise<void> {
  try {
    await until(() => leftBehind(before).length === 0, { timeoutMs: graceMs, what: 'everything to be closed' });
  } catch {
    const left = leftBehind(before);
    if (left.length > 0) throw new Error(`The test left behind: ${left.join(', ')}.`);
  }
}

/** Kinds of which there are more now than `before`, with how many more. */
function leftBehind(before: ReadonlyMap<string, number>): string[] {
  return [...activeResources()]
    .map(([kind, count]) => ({ kind, more: count - (before.get(kind) ?? 0) }))
    .filter(({ more }) => more > 0)
    .map(({ kind, more }) => `${more} ${kind}`);
}

function activeResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (WATCHED.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
