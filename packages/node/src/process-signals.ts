/**
 * SIGTERM and SIGINT: what a scheduler, a service manager or Ctrl-C says when the process is to end. The nodes of the
 * process leave then, with their shards moved first.
 *
 *     first signal    the nodes leave, within their deadline D
 *     second          no more than cursors: they leave within a second
 *     third           the process ends
 *
 * The process ends when its nodes have left and nothing else is left to do, at D in any case; listeners of the bot's
 * own are given until D. Exit code 0: the orchestrator has every shard, or every cursor. 75 (EX_TEMPFAIL) otherwise.
 *
 * One listener per signal, however many nodes a process has.
 */
import { ifStillRunning } from '@dshard/transport';
import type { NodeEnd } from './node-api.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const EXIT_NOT_ACKNOWLEDGED = 75;

/** What user code that was waiting for the end of its node still does. */
const AFTERWARDS_MS = 500;

export type Leaver = {
  /** How long the process lives from the signal on. */
  readonly withinMs: number;
  leave(): Promise<NodeEnd>;
  hurry(): void;
};

const leavers = new Set<Leaver>();
let signalled = 0;

/** Returns what takes the node off again. A process that was told to end keeps its listeners. */
export function leaveOnSignals(leaver: Leaver): () => void {
  if (leavers.size === 0 && signalled === 0) for (const signal of SIGNALS) process.on(signal, onSignal);
  leavers.add(leaver);
  return () => {
    if (!leavers.delete(leaver) || leavers.size > 0 || signalled > 0) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

function onSignal(signal: NodeJS.Signals): void {
  signalled += 1;
  if (signalled === 1) void leaveAll([...leavers], signal);
  else if (signalled === 2) for (const leaver of leavers) leaver.hurry();
  else process.exit(EXIT_NOT_ACKNOWLEDGED);
}

async function leaveAll(all: readonly Leaver[], signal: NodeJS.Signals): Promise<void> {
  const withinMs = Math.max(0, ...all.map((leaver) => leaver.withinMs));
  ifStillRunning(withinMs, () => process.exit(process.exitCode ?? EXIT_NOT_ACKNOWLEDGED));
  const ends = await Promise.all(all.map((leaver) => leaver.leave()));
  const isWhole = ends.every(({ acknowledged }) => acknowledged);
  process.exitCode ??= isWhole ? 0 : EXIT_NOT_ACKNOWLEDGED;
  if (process.listenerCount(signal) > 1) return;
  ifStillRunning(AFTERWARDS_MS, () => process.exit());
}
