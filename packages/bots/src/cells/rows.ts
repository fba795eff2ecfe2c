/**
 * Situations that broke a release, each with the smallest bot that came into it: `fixtures/discord.js/rows`. What is
 * true of every framework is a cell of all.
 */
import { runDso } from '@dshard/demo';
import { delay } from '@dshard/transport';
import type { Cell } from '../cell.js';
import { MEMBERS, SHARDS, check, firstLines, type Rig } from '../rig.js';
import { isAlive } from '../watch.js';

const SOON_MS = 30_000;
/** A ready listener that is busy for 6 s; a gap with it in it is longer than that. */
const LONGEST_GAP_MS = 4_000;
/** `launcher.stopGrace` and what it takes to notice. */
const ENDED_MS = 30_000;
/** Time for what must not happen to happen. */
const QUIET_MS = 5_000;
/** Only one shard may IDENTIFY at a time, and the next one waits as long as at Discord. */
const oneByOne = { maxConcurrency: 1, identifyWindowMs: 5_000 };

function nobodyDied(rig: Rig): void {
  const found = [...rig.watch.of('rejection'), ...rig.watch.of('died')];
  check(found.length === 0, () => rig.explained(`${found[0]?.kind ?? ''}: ${firstLines(found[0]?.text ?? '', 3)}`));
}

/** Waits until a bot has said something, and resolves with what followed it. */
async function said(rig: Rig, prefix: string, timeoutMs = SOON_MS): Promise<{ pid: number; rest: string }> {
  await rig.until(`a bot to say “${prefix}”`, timeoutMs, () => rig.watch.said(prefix).length > 0);
  return rig.watch.said(prefix)[0] ?? { pid: 0, rest: '' };
}

const slowReady: Cell = {
  name: 'slow-ready',
  title: 'a ready listener that works for 6 s without awaiting: no shard is without an owner for that long',
  phase: 'rollout',
  bot: 'rows/slow-ready.cjs',
  run: (rig) => ({
    afterRollout: () => {
      const { gaps, identifies } = rig.emulator.ledger.verdict();
      check(identifies.used === SHARDS, () => `${identifies.used} IDENTIFYs were spent on ${SHARDS} shards`);
      check(gaps.length >= SHARDS, () => `${gaps.length} gaps were seen where ${SHARDS} shards moved`);
      const longest = Math.max(...gaps.map(({ ms }) => ms));
      check(longest < LONGEST_GAP_MS, () => `a shard had no connection for ${longest} ms`);
      nobodyDied(rig);
    },
  }),
};

const guildAvailable: Cell = {
  name: 'members-in-guild-available',
  title: 'members fetched in a guildAvailable listener, of guilds that came by a move as well',
  phase: 'rollout',
  bot: 'rows/guild-available.cjs',
  run: (rig) => ({
    afterRollout: async () => {
      const serving = new Set((await rig.nodes()).map(({ pid }) => pid));
      const missing = (): string[] => {
        const lines = rig.watch.said('members ').filter(({ pid }) => serving.has(pid));
        return rig.guilds().filter((id) => !lines.some(({ rest }) => rest === `${id} ${MEMBERS + 1}`));
      };
      await rig.until('the members of every guild that moved', SOON_MS, () => missing().length === 0);
      nobodyDied(rig);
    },
  }),
};

const afterClosed: Cell = {
  name: 'after-closed',
  title: 'what follows `await node.closed`, and the listeners of SIGTERM and exit, run to their end',
  phase: 'stop',
  bot: 'rows/after-closed.cjs',
  run: (rig) => {
    const allRan = async (pids: readonly number[]): Promise<void> => {
      await rig.until('the processes to end', ENDED_MS, () => !pids.some(isAlive));
      for (const line of ['SIGTERM listener', 'closed', 'database flushed', 'exit listener']) {
        const heard = rig.watch.said(line).map(({ pid }) => pid);
        const without = pids.filter((pid) => !heard.includes(pid));
        check(without.length === 0, () => rig.explained(`process ${without.join(', ')} never said “${line}”`));
      }
    };
    return {
      afterRollout: async () => {
        const serving = new Set((await rig.nodes()).map(({ pid }) => pid));
        await allRan(rig.watch.pids().filter((pid) => !serving.has(pid)));
      },
      afterStop: () => allRan(rig.watch.pids().filter((pid) => !rig.killed.has(pid))),
    };
  },
};

const goneAndAlive: Cell = {
  name: 'gone-and-alive',
  title: 'a process that said goodbye and is kept alive by a timer is ended',
  phase: 'launch',
  bot: 'rows/gone-and-alive.cjs',
  run: (rig) => ({
    launched: async () => {
      const { pid } = await said(rig, 'destroyed');
      await rig.until(`process ${pid}, which said goodbye, to end`, ENDED_MS, () => !isAlive(pid));
    },
  }),
};

const destroyLogin: Cell = {
  name: 'destroy-login',
  title: 'destroy() and then login() works: the shards run again',
  phase: 'launch',
  bot: 'rows/destroy-login.cjs',
  run: (rig) => ({
    launched: async () => {
      const { rest } = await said(rig, 'again as ');
      check(rest === rig.emulator.world.user.username, () => `after the second login the user is “${rest}”`);
      await rig.until('every shard to run after the second login', SOON_MS, () => rig.allServe());
      nobodyDied(rig);
    },
  }),
};

const destroyWhileWaiting: Cell = {
  name: 'destroy-while-waiting',
  title: 'destroy() while shards wait for their permit to IDENTIFY ends at once, and nothing is rejected',
  phase: 'launch',
  bot: 'rows/destroy-while-waiting.cjs',
  discord: oneByOne,
  run: (rig) => ({
    launched: async () => {
      await said(rig, 'destroying');
      const { pid } = await said(rig, 'destroyed');
      const at = (prefix: string): number => rig.watch.said(prefix).find((line) => line.pid === pid)?.at ?? 0;
      const tookMs = at('destroyed') - at('destroying');
      check(tookMs < 2_500, () => `destroy() took ${Math.round(tookMs)} ms`);
      nobodyDied(rig);
    },
  }),
};

const presenceBeforeReady: Cell = {
  name: 'presence-before-ready',
  title:
    'a presence set while other shards wait to IDENTIFY, one of which is stopped then: it is dropped, and nothing dies',
  phase: 'launch',
  bot: 'rows/presence-before-ready.cjs',
  discord: oneByOne,
  run: (rig) => ({
    launched: async () => {
      await said(rig, 'setting');
      const attached = new Set(
        rig.emulator.admin.status().sessions.flatMap(({ shard, attached: is }) => (is ? [shard] : [])),
      );
      const waiting = Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => !attached.has(shard));
      check(waiting.length > 0, () => 'no shard waits any more');
      // Its node may be asked while it still waits; what the answer is does not matter here.
      await runDso(rig.fleet.httpUrl, ['stopshard', String(waiting[0]), '--yes']).catch(() => undefined);
      await delay(rig.clock, QUIET_MS);
      nobodyDied(rig);
      await rig.until('every shard to run', 60_000, () => rig.allServe());
    },
  }),
};

const twoClients: Cell = {
  name: 'two-clients',
  title: 'the second client of a process is refused by name, the first one serves',
  phase: 'start',
  bot: 'rows/two-clients.cjs',
  run: (rig) => ({
    started: async () => {
      await said(rig, 'login of A resolved');
      const { rest } = await said(rig, 'login of B failed:');
      check(/^DSO_\w+ .{20,}/.test(rest), () => `the second login failed with “${rest}”`);
      const fights = rig.watch.said('login of A failed');
      check(fights.length === 0, () => `the first login failed: ${fights[0]?.rest ?? ''}`);
      nobodyDied(rig);
    },
  }),
};

const twoProcesses: Cell = {
  name: 'two-processes',
  title: 'the second process with a node’s id is refused by name while the first one serves',
  phase: 'launch',
  bot: 'rows/sharding-manager.cjs',
  run: (rig) => ({
    launched: async () => {
      const refusals = (): RegExpExecArray[] =>
        rig.watch.of('line').flatMap(({ text }) => {
          const refusal = /Node id (\S+) is that of process (\d+) .* this is process (\d+) /.exec(text);
          return refusal === null ? [] : [refusal];
        });
      await rig.until('the second process of a node to be refused by name', SOON_MS, () => refusals().length > 0);
      await rig.until('every shard to run', SOON_MS, () => rig.allServe());
      const before = (await rig.nodes()).map(({ pid }) => pid);
      await delay(rig.clock, QUIET_MS);
      const after = (await rig.nodes()).map(({ pid }) => pid);
      check(before.join() === after.join(), () => `the nodes went from process ${before.join()} to ${after.join()}`);
      const second = refusals().map(([, , first, other]) => `${first ?? ''} ${other ?? ''}`);
      check(
        second.every((pair) => before.some((pid) => pair.startsWith(`${pid} `))),
        () => `of the processes ${second.join(', ')} the first ones are not those that serve: ${before.join()}`,
      );
      check(rig.identifies() === SHARDS, () => `${rig.identifies()} IDENTIFYs were spent on ${SHARDS} shards`);
    },
  }),
};

const ofDiscordJs: readonly Cell[] = [
  slowReady,
  guildAvailable,
  afterClosed,
  goneAndAlive,
  destroyLogin,
  destroyWhileWaiting,
  presenceBeforeReady,
  twoClients,
  twoProcesses,
];

export const rows: readonly Cell[] = ofDiscordJs.map((cell) => ({ ...cell, only: 'discord.js' }));
