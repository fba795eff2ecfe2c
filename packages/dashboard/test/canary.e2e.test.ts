/** A version that does not survive its canary, seen in a real browser. */
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

describe.skipIf(!HAS_CHROMIUM)('a canary that fails, in Chromium', { timeout: 180_000 }, () => {
  let world: World;
  let browser: Browser;

  beforeAll(async () => {
    [browser, world] = await Promise.all([
      launchBrowser(),
      startWorld({ bot: 'faulty', shards: SHARDS, nodes: 2 }, 100),
    ]);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await world?.end();
  }, 60_000);

  test('its shard goes back, the page says why, and the version is kept in mind', async () => {
    const { page, errors } = await openPage(browser);
    await world.fleet.offerVersion('v2-dies-after-4-s');
    await logIn(page, world.fleet.httpUrl);
    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.getByRole('button', { name: 'Fetch new version' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Fetch new version' }).click();
    await untilSaid(page, '.decision', /Version v2-dies-after-4-s is deployed, and v1 runs/);
    await page.getByLabel('Gates').selectOption('fast');
    await page.getByRole('button', { name: 'Roll out' }).click();
    await untilSaid(page, 'dialog .plan', /Cost:/);
    await page.getByRole('dialog').getByRole('button', { name: 'Roll out' }).click();
    await untilSaid(page, '.decision', /watched|failed/);
    // The way back is short; what the page keeps is why.
    await untilSaid(page, 'main', /Reverted before[^]*v2-dies-after-4-s/, 120_000);
    await screenshot(page, 'reverted', [1440]);
    await untilUp(world.fleet, SHARDS);
    const { nodes } = await world.fleet.client.status();
    expect(nodes.filter(({ shards }) => shards.length > 0).map(({ version }) => version)).toEqual(['v1', 'v1']);
    expect(errors).toEqual([]);
  });
});
