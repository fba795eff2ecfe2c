/** The guide to scaling as an operator follows it: real processes, its commands one after the other. */
import { readFile } from 'node:fs/promises';
import type { StatusV1 } from '@dshard/api';
import { blocksOf, commandsOf as commandsOfBlock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { runDso } from './dso.js';
import { orchestratorsOfEachTest, QUIET_BOT, statusOf, untilServing } from './orchestrators.js';

const scene = orchestratorsOfEachTest();
const SHARDS = 8;

async function commandsOf(guide: string): Promise<string[]> {
  const page = await readFile(new URL(`../../../docs/guide/${guide}.md`, import.meta.url), 'utf8');
  return blocksOf(page)
    .filter(({ attributes }) => attributes['run'] === 'operators')
    .flatMap(commandsOfBlock);
}

/** `web-1` and the others are the nodes that are connected now; a shard moves to a node that has not got it. */
function forReal(command: string, { nodes }: StatusV1): string {
  const ids = nodes.filter(({ connection }) => connection === 'connected').map(({ id }) => id);
  const shard = /^dso migrateshard (\d+) /.exec(command)?.[1];
  const isFree = ({ id, shards }: StatusV1['nodes'][number]): boolean =>
    ids.includes(id) && !shards.some((one) => one.id === Number(shard));
  const free = nodes.find(isFree)?.id ?? '';
  return command.replaceAll(/web-(\d)/g, (_, index: string) =>
    shard === undefined ? (ids[Number(index) - 1] ?? '') : free,
  );
}

test('an operator who follows the guide to scaling gets what it says, and every shard is up in the end', async () => {
  const flags = ['--bot', QUIET_BOT, '--nodes', '3', '--shards', String(SHARDS)];
  const running = await scene.all.running([...flags, ...(await scene.all.ports())]);
  await untilServing(running, 3, SHARDS);
  for (const command of await commandsOf('scaling')) {
    const args = forReal(command, await statusOf(running))
      .split(' ')
      .slice(1);
    const { code, stderr } = await runDso(args, { environment: { DSO_CLI_ADDR: running.http }, cwd: scene.all.cwd });
    expect([command, code, stderr.replaceAll(/^(?:drain|rebalance) .*\n/gm, '')]).toEqual([command, 0, '']);
  }
  await untilServing(running, 3, SHARDS);
}, 180_000);
