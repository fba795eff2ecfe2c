/** What `dso init` wrote starts: in an empty folder, and beside real bots. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusV1 } from '@dshard/api';
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { expect, onTestFinished, test } from 'vitest';
import { runDso, startDso, untilUp } from '../dso.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

test.each(['an empty folder', 'discordjs', 'eris', 'core'])(
  'after dso init, dso up brings the bot of %s up',
  { timeout: 90_000 },
  async (what) => {
    const cwd = mkdtempSync(join(tmpdir(), 'dso-init-'));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true, maxRetries: 5 }));
    if (what !== 'an empty folder') cpSync(join(ROOT, 'examples', what), cwd, { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'));
    const emulator = await startGatewayEmulator(
      { shards: 2, maxConcurrency: 2, identifyWindowMs: 200 },
      { clock: systemClock() },
    );
    onTestFinished(() => emulator.close());
    const environment = { DISCORD_TOKEN: emulator.token, DISCORD_API: emulator.apiUrl };

    expect((await runDso(['init', '--yes'], { cwd, environment })).code).toBe(0);
    const checked = await runDso(['config', 'check'], { cwd, environment });
    expect([checked.code, checked.stderr]).toEqual([0, '']);
    const dso = startDso(['up', '--json', '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0'], { cwd, environment });
    onTestFinished(async () => {
      dso.child.kill('SIGTERM');
      await dso.done;
    });
    const { http } = await untilUp(dso);
    const isUp = async (): Promise<boolean> => {
      const status = (await (await fetch(`${http}/v1/status`)).json()) as StatusV1;
      return status.conditionCounts.up === 2;
    };
    await until(isUp, { what: 'both shards to be up', timeoutMs: 45_000 });
  },
);
