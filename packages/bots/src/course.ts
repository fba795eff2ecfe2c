/** Takes a rig through its phases, with the cells beside it, and tells what became of each. */
import { join } from 'node:path';
import { messageOf } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import { phases, type Cell, type CellRun } from './cell.js';
import type { Installed } from './fixture.js';
import type { Framework } from './frameworks.js';
import { CheckFailed, Rig } from './rig.js';

export type Result = { framework: Framework; cell: Cell; problem: string | null; seconds: number };

export type CourseOptions = {
  framework: Framework;
  installed: Installed;
  /** At least one. They share the rig; one with a bot of its own stands alone. */
  cells: readonly Cell[];
  clock: Clock;
  onResult: (result: Result) => void;
};

type Hook = keyof CellRun;

/** A cell under way. */
type Seat = { cell: Cell; run: CellRun; open: boolean };

/** Resolves with a result for each cell. A cell has failed as well when the rig did not get as far as it needs. */
export async function runCourse({ framework, installed, cells, clock, onResult }: CourseOptions): Promise<Result[]> {
  const began = clock.monotonicMs();
  const results: Result[] = [];
  const finish = (cell: Cell, problem: string | null): void => {
    const result = { framework, cell, problem, seconds: (clock.monotonicMs() - began) / 1000 };
    results.push(result);
    onResult(result);
  };
  let rig: Rig;
  try {
    const does = [...new Set(cells.flatMap(({ does = [] }) => does))];
    const [{ bot, discord } = {}] = cells;
    const program = bot === undefined ? installed.program : join(installed.folder, bot);
    rig = await Rig.launch(clock, {
      ...installed,
      framework,
      program,
      does,
      answers: bot === undefined,
      ...(discord && { discord }),
    });
  } catch (error) {
    for (const cell of cells) finish(cell, `the fleet did not start: ${messageOf(error)}`);
    return results;
  }
  const seats: Seat[] = cells.map((cell) => ({ cell, run: cell.run(rig), open: true }));
  const close = (seat: Seat, problem: string | null): void => {
    seat.open = false;
    finish(seat.cell, problem);
  };
  const hooks = async (hook: Hook): Promise<void> => {
    for (const seat of seats.filter(({ open }) => open)) {
      try {
        await seat.run[hook]?.();
      } catch (error) {
        close(seat, problemOf(error));
      }
    }
  };
  const steps = {
    launch: { before: null, act: async () => undefined, after: 'launched' },
    start: { before: null, act: () => rig.start(), after: 'started' },
    rollout: { before: 'beforeRollout', act: () => rig.rollout(), after: 'afterRollout' },
    kill: { before: 'beforeKill', act: () => rig.kill(), after: 'afterKill' },
    stop: { before: null, act: () => rig.stop(), after: 'afterStop' },
  } as const;
  try {
    for (const phase of phases) {
      const { before, act, after } = steps[phase];
      const needed = seats.filter(({ open, cell }) => open && phases.indexOf(cell.phase) >= phases.indexOf(phase));
      if (needed.length === 0) break;
      if (before !== null) await hooks(before);
      try {
        await act();
      } catch (error) {
        const [first, ...others] = seats.filter(({ open }) => open);
        if (first !== undefined) close(first, `${phase}: ${problemOf(error)}`);
        for (const seat of others) close(seat, `${phase}: it failed, as told at ${first?.cell.name ?? 'another cell'}`);
        break;
      }
      await hooks(after);
      for (const seat of seats) if (seat.open && seat.cell.phase === phase) close(seat, null);
    }
  } finally {
    await rig.close();
  }
  return results;
}

/** A check that failed speaks for itself; anything else is a fault of the runner's, or of what it called. */
function problemOf(error: unknown): string {
  if (error instanceof CheckFailed) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
