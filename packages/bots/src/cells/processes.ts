/** Processes that are replaced, killed and ended. */
import type { Cell } from '../cell.js';
import { Steady } from '../questions.js';
import type { Trial } from '../trial.js';
import { check, firstLines } from '../trial.js';
import { isAlive } from '../watch.js';
import { checkToll } from './commands.js';

const MESSAGE_EVERY_MS = 100;
const ANSWER_MS = 15_000;
/** `launcher.stopGrace`, after which what is left is killed, and some more for a busy machine. */
const END_MS = 20_000;

export const rollout: Cell = {
  name: 'rollout',
  title: 'a rollout replaces every process: 0 IDENTIFYs; messages all the while, 0 lost, 0 repeated, in order',
  phase: 'rollout',
  does: [],
  run: (trial) => {
    let steady: Steady | null = null;
    let identifies = 0;
    return {
      beforeRollout: () => {
        identifies = trial.identifies();
        const { world } = trial.emulator;
        steady = new Steady(trial.clock, MESSAGE_EVERY_MS, (turn) =>
          trial.questions.message('!ping', world.guildAt(turn % world.guildCount).id),
        );
        trial.atEnd(() => steady?.stop());
      },
      afterRollout: async () => {
        steady?.stop();
        const asked = steady?.questions ?? [];
        await trial.questions.allAnswered(asked, ANSWER_MS);
        checkToll(trial, '!ping', trial.questions.toll(asked));
        const spent = trial.identifies() - identifies;
        check(spent === 0, () => `the rollout cost ${spent} IDENTIFYs`);
        reportHandled(trial, new Set(asked.map(({ id }) => id)));
        const { duplicated, outOfOrder, unexpected, missed, violations, examples } = trial.emulator.ledger.verdict();
        check(duplicated + outOfOrder + unexpected + missed === 0, () =>
          [
            `the ledger says: ${duplicated} repeated, ${outOfOrder} out of order, ${unexpected} unexpected, ${missed} missed`,
            ...examples.filter((example) => !example.startsWith('lost')),
          ].join('\n'),
        );
        check(violations.length === 0, () => `a rule of Discord was broken: ${violations[0]?.message ?? ''}`);
      },
    };
  },
};

/** For the ledger: what an answer says of when its message was handled. */
function reportHandled(trial: Trial, asked: ReadonlySet<string>): void {
  const { ledger, posted } = trial.emulator;
  const emitted = new Map(
    ledger
      .sessions()
      .flatMap(({ sessionId, shard }) => ledger.emittedTo(sessionId).map(({ id, s }) => [id, { shard, s }] as const)),
  );
  for (const { message } of posted.list({ kind: 'message' })) {
    const id = message?.message_reference?.message_id ?? '';
    const [, pid, at] = /^pong by (\d+) at (\d+) /.exec(message?.content ?? '') ?? [];
    const place = emitted.get(id);
    if (!asked.has(id) || pid === undefined || place === undefined) continue;
    ledger.handled({ node: `process ${pid}`, events: [{ ...place, id, t: 'MESSAGE_CREATE', at: Number(at) }] });
  }
}

export const kill: Cell = {
  name: 'kill',
  title: 'a kill -9 costs at most one IDENTIFY per shard, and every shard answers again',
  phase: 'kill',
  does: [],
  run: (trial) => {
    let before = { identifies: 0, nodes: [] as Awaited<ReturnType<Trial['nodes']>> };
    return {
      beforeKill: async () => {
        before = { identifies: trial.identifies(), nodes: await trial.nodes() };
      },
      afterKill: () => {
        const shards = before.nodes.find(({ pid }) => trial.killed.has(pid))?.shards.length ?? 0;
        const spent = trial.identifies() - before.identifies;
        check(shards > 0, () => 'no process with shards was killed');
        check(spent <= shards, () => `the process had ${shards} shards; ${spent} IDENTIFYs were spent`);
      },
    };
  },
};

export const shutdown: Cell = {
  name: 'shutdown',
  title: 'what the bot does on SIGTERM runs to its end, in a rollout and when the fleet ends, and no process is left',
  phase: 'stop',
  does: [],
  run: (trial) => ({
    afterRollout: async () => {
      const served = new Set((await trial.nodes()).map(({ pid }) => pid));
      await allFlushed(
        trial,
        trial.watch.pids().filter((pid) => !served.has(pid)),
      );
    },
    afterStop: () => allFlushed(trial, trial.watch.pids()),
  }),
};

async function allFlushed(trial: Trial, pids: readonly number[]): Promise<void> {
  const ended = pids.filter((pid) => !trial.killed.has(pid));
  await trial.until(`process ${ended.join(', ')} to end`, END_MS, () => !ended.some(isAlive));
  const flushed = trial.watch.said('flushed').map(({ pid }) => pid);
  const without = ended.filter((pid) => !flushed.includes(pid));
  check(without.length === 0, () =>
    trial.explained(`process ${without.join(', ')} ended before its SIGTERM listener was done`),
  );
}

export const rejections: Cell = {
  name: 'rejections',
  title: 'no promise is rejected without somebody to handle it, and no process dies of an error',
  phase: 'stop',
  does: ['login', 'presence', 'members', 'lead'],
  run: (trial) => ({
    afterStop: () => {
      const found = [...trial.watch.of('rejection'), ...trial.watch.of('died')];
      check(found.length === 0, () =>
        [
          `${found.length} in all`,
          ...found.slice(0, 5).map(({ pid, kind, text }) => `${kind} in ${pid}: ${firstLines(text, 3)}`),
        ].join('\n'),
      );
    },
  }),
};
