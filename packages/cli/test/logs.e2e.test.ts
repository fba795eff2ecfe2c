/**
 * One request is followed through all processes by ids alone: from the caller's id to an operation, from there to its
 * migrations, and from one of these into the logs of the two nodes between which the shard moved.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { orchestratorsOfEachTest, QUIET_BOT, statusOf, untilServing } from './orchestrators.js';

const scene = orchestratorsOfEachTest();
const REQUEST = 'deploy-4711';

type Line = Readonly<Record<string, unknown>>;

/** What programs log, but for what is no JSON. */
function linesOf(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    const json = line.slice(line.indexOf('{'));
    return json.startsWith('{') ? [JSON.parse(json) as Line] : [];
  });
}

test('a request is found by its id, its operation and its migrations in the logs of all processes', async () => {
  const flags = ['--bot', QUIET_BOT, '--nodes', '2', '--shards', '4', '--log', 'json', '--log-level', 'debug'];
  const running = await scene.all.running([...flags, ...(await scene.all.ports())], { BOT_LOG: '1' });
  const { nodes } = await untilServing(running, 2, 4);
  const [origin, other] = nodes.map(({ id }) => id);
  const answer = await fetch(`${running.http}/v1/operations`, {
    method: 'POST',
    headers: { 'x-request-id': REQUEST, connection: 'close' },
    body: new URLSearchParams({ kind: 'drain', origins: String(origin) }),
  });
  expect([answer.status, answer.headers.get('x-request-id')]).toEqual([202, REQUEST]);
  const { operation } = (await answer.json()) as { operation: string };
  await until(async () => (await statusOf(running)).operations.find(({ id }) => id === operation)?.endedAt != null, {
    what: 'the end of the drain',
  });

  const ours = linesOf(running.dso.stderr);
  const byRequest = ours.filter(({ request }) => request === REQUEST);
  expect(byRequest.map((line) => line['event'] ?? line['path'])).toEqual(
    expect.arrayContaining(['operationStarted', '/v1/operations']),
  );
  expect(byRequest.some((line) => line['operation'] === operation)).toBe(true);
  const ofOperation = ours.filter((line) => line['operation'] === operation);
  const moved = ofOperation.filter(({ event }) => event === 'migrationCompleted');
  expect(moved.length).toBeGreaterThan(0);

  const id = moved[0]?.['migration'];
  expect(ours.filter(({ migration }) => migration === id).map(({ event }) => event)).toEqual(
    expect.arrayContaining(['migrationStarted', 'migrationCompleted']),
  );
  const logs = join(scene.all.dataDir, 'nodes');
  const said = new Map(
    readdirSync(logs, { encoding: 'utf8' }).map((file) => [
      file.replace(/\.log$/, ''),
      linesOf(readFileSync(join(logs, file), 'utf8'))
        .filter(({ migration }) => migration === id)
        .map(({ text }) => text),
    ]),
  );
  const shard = Number(moved[0]?.['shard']);
  expect(said.get(String(origin))).toContain(`Shard ${shard} has left this node.`);
  expect(said.get(String(other))).toContain(`Shard ${shard} has come to this node: resumed.`);
}, 90_000);
