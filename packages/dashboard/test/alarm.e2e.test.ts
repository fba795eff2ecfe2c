/** An alarm that rises and falls, seen in a real browser. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  HAS_CHROMIUM,
  launchBrowser,
  logIn,
  openPage,
  screenshot,
  startWorld,
  untilSaid,
  untilUp,
  type World,
} from './browser.js';

const SHARDS = 8;

describe.skipIf(!HAS_CHROMIUM)('a node that is killed, in Chromium', { timeout: 180_000 }, () => {
  let world: World;
  let browser: Browser;

  beforeAll(async () => {
    [browser, world] = await Promise.all([
      launchBrowser(),
      // One node: nobody else can resume what it had, so the shards are down until it is launched again.
      startWorld({ bot: 'ws', shards: SHARDS, nodes: 1, settings: { alarms: { shardsDownAfter: '100ms' } } }, 100),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await world?.end();
  }, 60_000);

  test('raises an alarm, which falls when another has its shards', async () => {
    const { page, errors } = await openPage(browser);
    await logIn(page, world.fleet.httpUrl);
    await untilSaid(page, '.verdict', /No alarm stands/);
    const { nodes } = await world.fleet.client.status();
    process.kill(nodes[0]?.pid ?? 0, 'SIGKILL');
    await untilSaid(page, '[role=alert]', /8 shards .*down/i);
    await screenshot(page, 'alarm', [1440]);
    await untilSaid(page, '.verdict', /No alarm stands[^]*All 8 shards are up/);
    await untilUp(world.fleet, SHARDS);
    expect(errors).toEqual([]);
  });
});
