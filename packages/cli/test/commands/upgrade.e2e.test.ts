/**
 * The orchestrator is upgraded while the bot runs: the version before leads, this one waits as its standby, and takes
 * over. Nodes of both versions are there all the time, and no shard notices.
 */
import { closeSync, copyFileSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '@dshard/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startProgram, untilUp, type Dso } from '../dso.js';
import { buildOldVersion, hasHistory, type OldVersion } from '../old-version.js';
import { orchestratorsOfEachTest, statusOf, untilServing, type Running } from '../orchestrators.js';

const BOT = fileURLToPath(new URL('../bots/upgrade-bot.js', import.meta.url));
const BUILD_TIMEOUT_MS = 300_000;
const TOKEN = 'the-same-token-for-every-version-of-it';
const SHARDS = 8;

const scene = orchestratorsOfEachTest();
let old: OldVersion;
const isPossible = hasHistory();
beforeAll(() => {
  if (!isPossible) return;
  old = buildOldVersion();
  copyFileSync(BOT, join(old.folder, 'packages/cli/test/bots/upgrade-bot.js'));
}, BUILD_TIMEOUT_MS);
afterAll(() => old?.remove());

const nodes: Dso[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) {
    node.child.kill('SIGKILL');
    await node.done;
  }
});

async function upArguments(more: readonly string[] = []): Promise<string[]> {
  return [...(await scene.all.ports()), '--shards', `${SHARDS}`, ...more];
}

const environment = { DSO_TOKEN: TOKEN };

/** `dso up` of the version before. */
function oldUp(args: readonly string[]): Dso {
  const dso = startProgram(join(old.folder, 'packages/cli/bin/dso.js'), ['up', ...args, '--json'], {
    cwd: scene.all.cwd,
    environment,
  });
  nodes.push(dso);
  return dso;
}

function startNode(id: string, program: string, address: string): Dso {
  const more = { ...environment, DSO_NODE_ID: id, DSO_ORCHESTRATOR: address };
  const node = startProgram(program, [], { cwd: scene.all.cwd, environment: more });
  nodes.push(node);
  return node;
}

/** REST wants the token. */
async function leads(where: Pick<Running, 'http'>): Promise<string> {
  const { nodes: all } = await untilServing(where, 2, SHARDS, environment.DSO_TOKEN);
  const placed = all.map(({ id, shards }) => `${id}: ${shards.map((shard) => shard.id).join()}`);
  return placed.toSorted((a, b) => a.localeCompare(b)).join('; ');
}

async function mixedFleetOf(leader: Dso): Promise<{ first: Running; bots: readonly Dso[]; placed: string }> {
  const first = { dso: leader, ...(await untilUp(leader)) };
  const oldBot = join(old.folder, 'packages/cli/test/bots/upgrade-bot.js');
  const bots = [startNode('old', oldBot, first.address), startNode('new', BOT, first.address)];
  return { first, bots, placed: await leads(first) };
}

/** What the nodes were asked to do. */
const said = (bots: readonly Dso[]): string => bots.map(({ stdout }) => stdout).join('');

async function move(where: Pick<Running, 'http'>, shard: number, to: string): Promise<void> {
  const body = new URLSearchParams({ shard: `${shard}`, destination_node: to });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await fetch(`${where.http}/migrateshard`, { method: 'POST', body, headers });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
}

describe.runIf(isPossible)('an upgrade of the orchestrator from the version before', () => {
  test('by a standby is noticed by no shard, with nodes of both versions; and shards move between them', async () => {
    const { first, bots, placed } = await mixedFleetOf(oldUp(await upArguments()));
    const before = said(bots);
    const standby = scene.all.up(await upArguments(['--standby', '--set', 'rebalance=off']), environment);
    await until(() => standby.stderr.includes('is its standby'), { what: 'the standby to wait' });

    // The nodes run on; the other one leads.
    first.dso.child.kill('SIGHUP');
    const second = { dso: standby, ...(await untilUp(standby)) };
    expect(await leads(second)).toBe(placed);
    expect(said(bots)).toBe(before);
    const { store, nodes: all } = await statusOf(second, TOKEN);
    expect(store.epoch).toBe(2);

    const shard = all.find(({ id }) => id === 'old')?.shards[0]?.id ?? Number.NaN;
    await move(second, shard, 'new');
    await move(second, shard, 'old');
    expect(said(bots).match(/^start/gm)).toHaveLength(SHARDS);
  });

  test('goes on after kill -9 of the version before, too', async () => {
    const { first, bots, placed } = await mixedFleetOf(oldUp(await upArguments()));
    const before = said(bots);
    const standby = scene.all.up(await upArguments(['--standby', '--set', 'rebalance=off']), environment);
    await until(() => standby.stderr.includes('is its standby'), { what: 'the standby to wait' });
    first.dso.child.kill('SIGKILL');
    await first.dso.done;
    const second = { dso: standby, ...(await untilUp(standby)) };
    expect(await leads(second)).toBe(placed);
    expect(said(bots)).toBe(before);
  });

  test('is refused by name where the store was written by a version that is newer still', async () => {
    const leader = scene.all.up(await upArguments(), environment);
    await untilUp(leader);
    leader.child.kill('SIGHUP');
    await leader.done;
    // SQLite keeps `user_version`, the layout, at byte 60.
    const file = openSync(join(scene.all.dataDir, 'state.db'), 'r+');
    writeSync(file, Buffer.from([0, 0, 0x27, 0x0f]), 0, 4, 60);
    closeSync(file);
    for (const dso of [scene.all.up(await upArguments(), environment), oldUp(await upArguments())]) {
      expect((await dso.done).code).toBe(1);
      expect(dso.stderr).toMatch(/state\.db cannot be used: a newer version of the orchestrator wrote it/);
    }
  });
});
