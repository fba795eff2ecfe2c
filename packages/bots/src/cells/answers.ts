/** A bot that starts, answers, and goes on answering where a message of another process stands. */
import type { Cell } from '../cell.js';
import type { Answer } from '../questions.js';
import type { Trial } from '../rig.js';
import { check } from '../rig.js';

const ANSWER_MS = 5_000;

export const start: Cell = {
  name: 'start',
  title: 'starts in two processes, and knows its user in each',
  phase: 'start',
  does: ['login'],
  run: (trial) => ({
    started: () => {
      const { username } = trial.emulator.world.user;
      for (const prefix of ['ready as ', ...(trial.framework.userAfterLogin ? ['logged in as '] : [])]) {
        const said = trial.watch.said(prefix);
        for (const pid of trial.watch.pids()) {
          const line = said.find((entry) => entry.pid === pid);
          check(line !== undefined, () => trial.explained(`process ${pid} never said "${prefix}…"`));
          check(line.rest === username, () => `process ${pid} said "${prefix}${line.rest}", not "${username}"`);
        }
      }
      check(trial.watch.pids().length === 2, () =>
        trial.explained(`${trial.watch.pids().length} processes were started for two nodes`),
      );
    },
  }),
};

export const answer: Cell = {
  name: 'answer',
  title:
    'answers a message and a slash command in every guild, and knows the guild by name, after a rollout as before it',
  phase: 'rollout',
  does: [],
  run: (trial) => ({ started: () => everyGuildAnswers(trial), afterRollout: () => everyGuildAnswers(trial) }),
};

async function everyGuildAnswers(trial: Trial): Promise<void> {
  const { questions } = trial;
  const asked = trial
    .guilds()
    .flatMap((guildId) => [questions.command('ping', guildId), questions.message('!ping', guildId)]);
  await questions.allAnswered(asked, ANSWER_MS);
  for (const question of asked) {
    const [first] = questions.answersTo(question);
    check(first !== undefined, () => trial.explained(`${question.what} in guild ${question.guildId} was not answered`));
    const name = trial.nameOf(question.guildId);
    check(first.text.endsWith(`in ${name}`), () => `${question.what} in guild “${name}” was answered “${first.text}”`);
  }
}

export const button: Cell = {
  name: 'button',
  title: 'answers the button of a message that a process before it posted, in every shard',
  phase: 'rollout',
  does: [],
  run: (trial) => {
    const panels = new Map<string, Answer>();
    return {
      beforeRollout: async () => {
        for (const guildId of trial.guildPerShard()) {
          const panel = await trial.questions.answer(trial.questions.command('panel', guildId), ANSWER_MS);
          check(panel !== null, () => trial.explained(`/panel in guild ${guildId} was not answered`));
          panels.set(guildId, panel);
        }
      },
      afterRollout: async () => {
        for (const [guildId, panel] of panels) {
          const pressed = trial.questions.press('hello', panel, guildId);
          const hello = await trial.questions.answer(pressed, ANSWER_MS);
          check(hello !== null, () => trial.explained(`the button in guild ${guildId} was not answered`));
          const [, before] = /by (\d+)/.exec(panel.text) ?? [];
          const [, after] = /^hello by (\d+) in /.exec(hello.text) ?? [];
          check(after !== undefined && after !== before, () => `“${panel.text}” was answered “${hello.text}”`);
        }
      },
    };
  },
};
