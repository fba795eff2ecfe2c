/** Commands that take a while, and are under way when their shard leaves. */
import type { Cell, CellRun } from '../cell.js';
import type { Trial } from '../trial.js';
import { SHARDS, check } from '../trial.js';
import type { Question, Toll } from '../questions.js';
import { Steady } from '../questions.js';

const EVERY_MS = 200;
const ANSWER_MS = 20_000;
/** A message waits for its shard to move, not for a command of 8 s. */
const LONGEST_PING_MS = 5_000;

export function checkToll(trial: Trial, what: string, { asked, lost, repeated }: Toll): void {
  check(asked > 0, () => `no ${what} was used`);
  check(lost.length === 0, () =>
    trial.explained(
      `${lost.length} of ${asked} ${what} had no answer, the first of them ${lost[0]?.id ?? ''} in guild ${lost[0]?.guildId ?? ''}`,
    ),
  );
  check(repeated.length === 0, () => `${repeated.length} of ${asked} ${what} were answered twice`);
}

/** A command that is used over and over, in all guilds by turns, from before the rollout until after it. */
function usedThroughout(name: string): (trial: Trial) => CellRun {
  return (trial) => {
    let steady: Steady | null = null;
    return {
      beforeRollout: () => {
        const { world } = trial.emulator;
        steady = new Steady(trial.clock, EVERY_MS, (turn) =>
          trial.questions.command(name, world.guildAt(turn % world.guildCount).id),
        );
        trial.atEnd(() => steady?.stop());
      },
      afterRollout: async () => {
        steady?.stop();
        const asked = steady?.questions ?? [];
        await trial.questions.allAnswered(asked, ANSWER_MS);
        checkToll(trial, `/${name}`, trial.questions.toll(asked));
      },
    };
  };
}

export const returnedCommand: Cell = {
  name: 'command-returned',
  title: 'a command of 1.5 s, its promise returned, used throughout a rollout: each is answered once',
  phase: 'rollout',
  does: [],
  run: usedThroughout('toil'),
};

export const notReturnedCommand: Cell = {
  name: 'command-not-returned',
  title: 'the same with a promise that nobody waits for',
  phase: 'rollout',
  does: [],
  run: usedThroughout('toil-void'),
};

export const longCommand: Cell = {
  name: 'long-command',
  title:
    'a command of 8 s is open in every shard all the time: the rollout succeeds, each is answered once, messages do not wait',
  phase: 'rollout',
  does: [],
  run: (trial) => {
    const steady: Steady[] = [];
    const stop = (): void => steady.forEach((each) => each.stop());
    const of = (what: string): Question[] =>
      steady.flatMap(({ questions }) => questions.filter((question) => question.what === what));
    return {
      beforeRollout: () => {
        const guilds = trial.guildPerShard();
        const guild = (turn: number): string => guilds[turn % SHARDS] ?? '';
        // One opens in each shard every 4 s, so that two are always open.
        steady.push(new Steady(trial.clock, 1_000, (turn) => trial.questions.command('ask', guild(turn))));
        steady.push(new Steady(trial.clock, 250, (turn) => trial.questions.message('!ping', guild(turn))));
        trial.atEnd(stop);
      },
      afterRollout: async () => {
        stop();
        await trial.questions.allAnswered([...of('/ask'), ...of('!ping')], ANSWER_MS);
        checkToll(trial, '/ask', trial.questions.toll(of('/ask')));
        const pings = trial.questions.toll(of('!ping'));
        checkToll(trial, '!ping', pings);
        check(
          pings.slowestMs < LONGEST_PING_MS,
          () => `a !ping waited ${(pings.slowestMs / 1000).toFixed(1)} s for its answer`,
        );
      },
    };
  },
};
