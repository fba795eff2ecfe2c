/** `kill -USR2`: dso.yaml is read again while the fleet runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '@dshard/api';
import { until } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { historyOf, orchestratorsOfEachTest, QUIET_BOT, untilServing } from '../orchestrators.js';

const scene = orchestratorsOfEachTest();

test(
  'what may change is taken over, the rest needs a restart, and a broken file changes nothing',
  { timeout: 60_000 },
  async () => {
    const { all } = scene;
    const file = join(all.cwd, 'dso.yaml');
    const write = (settings: object): void =>
      writeFileSync(file, JSON.stringify({ totalShards: 2, nodes: 1, launcher: { bot: QUIET_BOT }, ...settings }));
    write({ migrationsPerNode: 4 });
    const fleet = await all.running(await all.ports());
    await untilServing(fleet, 1, 2);
    const settings = async (): Promise<Map<string, string>> => {
      const { settings: found } = (await (await fetch(`${fleet.http}/v1/config`)).json()) as Configuration;
      return new Map(found.map(({ key, value }) => [key, value]));
    };
    const reload = async (said: RegExp): Promise<void> => {
      const from = fleet.dso.stderr.length;
      fleet.dso.child.kill('SIGUSR2');
      await until(() => said.test(fleet.dso.stderr.slice(from)), {
        what: `the log to say ${said.source}`,
        timeoutMs: 10_000,
      });
    };

    write({ migrationsPerNode: 9, maxUnavailable: 1, nodes: 2, bucketSize: 2 });
    await reload(/taken over: nodes, migrationsPerNode, maxUnavailable\. .*only a restart takes it over: bucketSize\./);
    const after = await settings();
    expect([after.get('migrationsPerNode'), after.get('maxUnavailable'), after.get('bucketSize')]).toEqual([
      '9',
      '1',
      '1',
    ]);
    // The second node comes up without a restart.
    expect((await untilServing(fleet, 2, 2)).disruption.limit).toBe(1);
    expect((await historyOf(fleet)).map(({ name }) => name)).toContain('settingsChanged');

    writeFileSync(file, 'migrationsPerNodes: 3\n');
    await reload(/the one before stays in force.*migrationsPerNodes/);
    expect((await settings()).get('migrationsPerNode')).toBe('9');

    write({ migrationsPerNode: 9, maxUnavailable: 1, nodes: 2, bucketSize: 2, log: { level: 'debug' } });
    await reload(/taken over: log\.level\./);
    await reload(/nothing of what may change has changed/);
    expect(fleet.dso.child.exitCode).toBeNull();
  },
);
