/** Commands that take a while, and are under way when their shard leaves. */
import type { Cell, CellRun } from '../cell.js';
import { SHARDS, check, type Rig } from '../rig.js';
import { Steady, type Question, type Toll } from '../questions.js';

const EVERY_MS = 200;
const ANSWER_MS = 20_000;
/** A message waits for its shard to move, not for a command of 8 s. */
const LONGEST_PING_MS = 5_000;

export function checkToll(rig: Rig, what: string, { asked, lost, repeated }: Toll): void {
  check(asked > 0, () => `no ${what} was used`);
  check(lost.length === 0, () =>
    rig.explained(
      `${lost.length} of ${asked} ${what} had no answer, the first of them ${lost[0]?.id ?? ''} in guild ${lost[0]?.guildId ?? ''}`,
    ),
  );
  check(repeated.length === 0, () => `${repeated.length} of ${asked} ${what} were answered twice`);
}

/** A command that is used over and over, in all guilds by turns, from before the rollout until after it. */
function usedThroughout(name: string): (rig: Rig) => CellRun {
  return (rig) => {
    let steady: Steady | null = null;
    return {
      beforeRollout: () => {
        const { world } = rig.emulator;
        steady = new Steady(rig.clock, EVERY_MS, (turn) =>
          rig.questions.command(name, world.guildAt(turn % world.guildCount).id),
        );
        rig.atEnd(() => steady?.stop());
      },
      afterRollout: async () => {
        steady?.stop();
        const asked = steady?.questions ?? [];
        await rig.questions.allAnswered(asked, ANSWER_MS);
        checkToll(rig, `/${name}`, rig.questions.toll(asked));
      },
    };
  };
}

export const returnedCommand: Cell = {
  name: 'command-returned',
  title: 'a command of 1.5 s, its promise returned, used throughout a rollout: each is answered once',
  phase: 'rollout',
  run: usedThroughout('toil'),
};

export const notReturnedCommand: Cell = {
  name: 'command-not-returned',
  title: 'the same with a promise that nobody waits for',
  phase: 'rollout',
  run: usedThroughout('toil-void'),
};

export const longCommand: Cell = {
  name: 'long-command',
  title:
    'a command of 8 s is open in every shard all the time: the rollout succeeds, each is answered once, messages do not wait',
  phase: 'rollout',
  run: (rig) => {
    const steady: Steady[] = [];
    const stop = (): void => steady.forEach((each) => each.stop());
    const of = (what: string): Question[] =>
      steady.flatMap(({ questions }) => questions.filter((question) => question.what === what));
    return {
      beforeRollout: () => {
        const guilds = rig.guildPerShard();
        const guild = (turn: number): string => guilds[turn % SHARDS] ?? '';
        // One opens in each shard every 4 s, so that two are always open.
        steady.push(new Steady(rig.clock, 1_000, (turn) => rig.questions.command('ask', guild(turn))));
        steady.push(new Steady(rig.clock, 250, (turn) => rig.questions.message('!ping', guild(turn))));
        rig.atEnd(stop);
      },
      afterRollout: async () => {
        stop();
        await rig.questions.allAnswered([...of('/ask'), ...of('!ping')], ANSWER_MS);
        checkToll(rig, '/ask', rig.questions.toll(of('/ask')));
        const pings = rig.questions.toll(of('!ping'));
        checkToll(rig, '!ping', pings);
        check(
          pings.slowestMs < LONGEST_PING_MS,
          () => `a !ping waited ${(pings.slowestMs / 1000).toFixed(1)} s for its answer`,
        );
      },
    };
  },
};
