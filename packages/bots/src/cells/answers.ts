/** A bot that starts, answers, and goes on answering where a message of another process stands. */
import type { Cell } from '../cell.js';
import type { Answer } from '../questions.js';
import { check, type Rig } from '../rig.js';

const ANSWER_MS = 5_000;

export const start: Cell = {
  name: 'start',
  title: 'starts in two processes, and knows its user in each',
  phase: 'start',
  does: ['login'],
  run: (rig) => ({
    started: () => {
      const { username } = rig.emulator.world.user;
      for (const prefix of ['ready as ', ...(rig.framework.userAfterLogin ? ['logged in as '] : [])]) {
        const said = rig.watch.said(prefix);
        for (const pid of rig.watch.pids()) {
          const line = said.find((entry) => entry.pid === pid);
          check(line !== undefined, () => rig.explained(`process ${pid} never said "${prefix}…"`));
          check(line.rest === username, () => `process ${pid} said "${prefix}${line.rest}", not "${username}"`);
        }
      }
      check(rig.watch.pids().length === 2, () =>
        rig.explained(`${rig.watch.pids().length} processes were started for two nodes`),
      );
    },
  }),
};

export const answer: Cell = {
  name: 'answer',
  title:
    'answers a message and a slash command in every guild, and knows the guild by name, after a rollout as before it',
  phase: 'rollout',
  run: (rig) => ({ started: () => everyGuildAnswers(rig), afterRollout: () => everyGuildAnswers(rig) }),
};

async function everyGuildAnswers(rig: Rig): Promise<void> {
  const { questions } = rig;
  const asked = rig
    .guilds()
    .flatMap((guildId) => [questions.command('ping', guildId), questions.message('!ping', guildId)]);
  await questions.allAnswered(asked, ANSWER_MS);
  for (const question of asked) {
    const [first] = questions.answersTo(question);
    check(first !== undefined, () => rig.explained(`${question.what} in guild ${question.guildId} was not answered`));
    const name = rig.nameOf(question.guildId);
    check(first.text.endsWith(`in ${name}`), () => `${question.what} in guild “${name}” was answered “${first.text}”`);
  }
}

export const button: Cell = {
  name: 'button',
  title: 'answers the button of a message that a process before it posted, in every shard',
  phase: 'rollout',
  run: (rig) => {
    const panels = new Map<string, Answer>();
    return {
      beforeRollout: async () => {
        for (const guildId of rig.guildPerShard()) {
          const panel = await rig.questions.answer(rig.questions.command('panel', guildId), ANSWER_MS);
          check(panel !== null, () => rig.explained(`/panel in guild ${guildId} was not answered`));
          panels.set(guildId, panel);
        }
      },
      afterRollout: async () => {
        for (const [guildId, panel] of panels) {
          const pressed = rig.questions.press('hello', panel, guildId);
          const hello = await rig.questions.answer(pressed, ANSWER_MS);
          check(hello !== null, () => rig.explained(`the button in guild ${guildId} was not answered`));
          const [, before] = /by (\d+)/.exec(panel.text) ?? [];
          const [, after] = /^hello by (\d+) in /.exec(hello.text) ?? [];
          check(after !== undefined && after !== before, () => `“${panel.text}” was answered “${hello.text}”`);
        }
      },
    };
  },
};
