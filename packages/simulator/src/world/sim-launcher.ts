/**
 * The launcher of one life of the orchestrator. The processes are the fleet's: those of an earlier life are adopted,
 * and launches may fail in every way there is.
 */
import type { Launcher, NodeProcess, ProcessExit } from '@dshard/orchestrator';
import { delay } from '@dshard/transport';
import type { Draw } from '../random.js';
import type { Fleet } from './fleet.js';
import type { VirtualProcess } from './virtual-process.js';

export type LaunchFault = 'rejected' | 'dies' | 'hangs';

export type SimLauncherOptions = {
  fleet: Fleet;
  process: VirtualProcess;
  random: Draw;
  /** What becomes of the next launch; null: it works. */
  nextFault: () => LaunchFault | null;
};

const SPAWN_MIN_MS = 20;
const SPAWN_MAX_MS = 200;
const POLL_MS = 50;

export function simLauncher({ fleet, process, random, nextFault }: SimLauncherOptions): Launcher {
  const { clock } = process;
  let stopListening = (): void => undefined;
  const running = (): readonly NodeProcess[] => fleet.living.map(({ name }) => ({ node: name, pid: 1, startedAt: 0 }));
  return {
    start: async (handlers) => {
      stopListening = fleet.onExit((exit: ProcessExit) => process.run(() => handlers.onExit(exit)));
    },
    running,
    launch: async () => {
      const fault = nextFault();
      await delay(clock, random.between(SPAWN_MIN_MS, SPAWN_MAX_MS));
      if (fault === 'rejected') throw new Error('no such command');
      if (!process.alive) throw new Error('the launcher is gone');
      const bot = fleet.spawn(fleet.nextName());
      if (fault === 'hangs') bot.process.pause();
      if (fault === 'dies') bot.process.clock.after(1, () => bot.die('flush', 'exited with code 1'));
      return { node: bot.name, pid: 1, startedAt: clock.now() };
    },
    stop: async (node, graceMs) => {
      const bot = fleet.get(node);
      if (bot === undefined) return;
      bot.terminate();
      const deadline = clock.now() + graceMs;
      for (; bot.alive && clock.now() < deadline; await delay(clock, POLL_MS));
      bot.die('flush', 'was killed');
    },
    close: async () => stopListening(),
  };
}
