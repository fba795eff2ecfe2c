/** The three ways in which schedulers replace processes. Each replaces all that run, and tells how they ended. */
import type { Ending, Scheduler } from './scheduler.js';

export type StrategyName = 'surge-first' | 'stop-then-start' | 'one-by-one';

type Context = {
  scheduler: Scheduler;
  /** How long a process has to be ready before it counts. */
  minReadyMs: number;
  say: (text: string) => void;
};

type Strategy = (context: Context) => Promise<Ending[]>;

/**
 * A Deployment of Kubernetes with maxSurge 1 and maxUnavailable 0: a new process is there, and has been ready for
 * minReadySeconds, before an old one is told to end; while that one ends, the next new one is started.
 */
const surgeFirst: Strategy = async ({ scheduler, minReadyMs, say }) => {
  const endings: Promise<Ending>[] = [];
  for (const node of scheduler.running) {
    const next = nextName(node);
    const host = scheduler.hostOf(node);
    say(`surge-first: ${next} is started on ${host.name}, then ${node} gets SIGTERM`);
    scheduler.start(next, host);
    await scheduler.untilReady(next, minReadyMs);
    endings.push(scheduler.end(node));
  }
  return Promise.all(endings);
};

/** `docker compose up -d`, `systemctl restart 'bot@*'`: all are told to end, and each is started when it has ended. */
const stopThenStart: Strategy = async ({ scheduler, minReadyMs, say }) => {
  const nodes = scheduler.running;
  say(`stop-then-start: ${nodes.length} processes get SIGTERM at once, and are started when they have ended`);
  return Promise.all(
    nodes.map(async (node) => {
      const host = scheduler.hostOf(node);
      const ending = await scheduler.end(node);
      scheduler.start(node, host);
      await scheduler.untilReady(node, minReadyMs);
      return ending;
    }),
  );
};

/** A StatefulSet, a serial play over hosts: each is ended, started and ready before the next. */
const oneByOne: Strategy = async ({ scheduler, minReadyMs, say }) => {
  const endings: Ending[] = [];
  for (const node of scheduler.running) {
    const host = scheduler.hostOf(node);
    say(`one-by-one: ${node} on ${host.name} gets SIGTERM, and is started when it has ended`);
    endings.push(await scheduler.end(node));
    scheduler.start(node, host);
    await scheduler.untilReady(node, minReadyMs);
  }
  return endings;
};

export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  'surge-first': surgeFirst,
  'stop-then-start': stopThenStart,
  'one-by-one': oneByOne,
};

export const STRATEGY_NAMES = Object.keys(STRATEGIES) as readonly StrategyName[];

/** `bot-2` → `bot-2-next` → `bot-2`: pods have names that were not there before. */
function nextName(node: string): string {
  return node.endsWith('-next') ? node.slice(0, -'-next'.length) : `${node}-next`;
}
