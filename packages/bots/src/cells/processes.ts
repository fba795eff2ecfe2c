/** Processes that are replaced, killed and ended. */
import type { Cell } from '../cell.js';
import { Steady } from '../questions.js';
import { check, firstLines, type Rig } from '../rig.js';
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
  run: (rig) => {
    let steady: Steady | null = null;
    let identifies = 0;
    return {
      beforeRollout: () => {
        identifies = rig.identifies();
        const { world } = rig.emulator;
        steady = new Steady(rig.clock, MESSAGE_EVERY_MS, (turn) =>
          rig.questions.message('!ping', world.guildAt(turn % world.guildCount).id),
        );
        rig.atEnd(() => steady?.stop());
      },
      afterRollout: async () => {
        steady?.stop();
        const asked = steady?.questions ?? [];
        await rig.questions.allAnswered(asked, ANSWER_MS);
        checkToll(rig, '!ping', rig.questions.toll(asked));
        const spent = rig.identifies() - identifies;
        check(spent === 0, () => `the rollout cost ${spent} IDENTIFYs`);
        reportHandled(rig, new Set(asked.map(({ id }) => id)));
        const { duplicated, outOfOrder, unexpected, missed, violations, examples } = rig.emulator.ledger.verdict();
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
function reportHandled(rig: Rig, asked: ReadonlySet<string>): void {
  const { ledger, posted } = rig.emulator;
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
  run: (rig) => {
    let before = { identifies: 0, nodes: [] as Awaited<ReturnType<Rig['nodes']>> };
    return {
      beforeKill: async () => {
        before = { identifies: rig.identifies(), nodes: await rig.nodes() };
      },
      afterKill: () => {
        const shards = before.nodes.find(({ pid }) => rig.killed.has(pid))?.shards.length ?? 0;
        const spent = rig.identifies() - before.identifies;
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
  run: (rig) => ({
    afterRollout: async () => {
      const served = new Set((await rig.nodes()).map(({ pid }) => pid));
      await allFlushed(
        rig,
        rig.watch.pids().filter((pid) => !served.has(pid)),
      );
    },
    afterStop: () => allFlushed(rig, rig.watch.pids()),
  }),
};

async function allFlushed(rig: Rig, pids: readonly number[]): Promise<void> {
  const ended = pids.filter((pid) => !rig.killed.has(pid));
  await rig.until(`process ${ended.join(', ')} to end`, END_MS, () => !ended.some(isAlive));
  const flushed = rig.watch.said('flushed').map(({ pid }) => pid);
  const without = ended.filter((pid) => !flushed.includes(pid));
  check(without.length === 0, () =>
    rig.explained(`process ${without.join(', ')} ended before its SIGTERM listener was done`),
  );
}

export const rejections: Cell = {
  name: 'rejections',
  title: 'no promise is rejected without somebody to handle it, and no process dies of an error',
  phase: 'stop',
  does: ['login', 'presence', 'members', 'lead'],
  run: (rig) => ({
    afterStop: () => {
      const found = [...rig.watch.of('rejection'), ...rig.watch.of('died')];
      check(found.length === 0, () =>
        [
          `${found.length} in all`,
          ...found.slice(0, 5).map(({ pid, kind, text }) => `${kind} in ${pid}: ${firstLines(text, 3)}`),
        ].join('\n'),
      );
    },
  }),
};
