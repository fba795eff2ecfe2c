/** The dashboard in a real browser, before a real fleet of 64 shards under traffic. */
import { until } from '@dshard/testkit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  HAS_CHROMIUM,
  launchBrowser,
  logIn,
  openPage,
  screenshot,
  seriousFaults,
  startWorld,
  TOKEN,
  untilSaid,
  untilUp,
  type Watched,
  type World,
} from './browser.js';

const SHARDS = 64;
const NODES = 4;

describe.skipIf(!HAS_CHROMIUM)('the dashboard in Chromium', { timeout: 180_000 }, () => {
  let world: World;
  let browser: Browser;
  let admin: Watched;
  let url: string;

  beforeAll(async () => {
    [browser, world] = await Promise.all([
      launchBrowser(),
      startWorld(
        {
          bot: 'ws',
          shards: SHARDS,
          nodes: NODES,
          settings: { rebalance: 'join' },
        },
        400,
      ),
    ]);
    url = world.fleet.httpUrl;
    admin = await openPage(browser);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await world?.end();
  }, 60_000);

  const page = (): Page => admin.page;
  const visit = async (path: string): Promise<void> => {
    await page().goto(`${url}/dashboard/${path}`);
    await page().locator('.connection.live').waitFor();
  };
  const firstNode = async (): Promise<{ id: string; pid: number | null }> => {
    const { nodes } = await world.fleet.client.status();
    const found = nodes.find(({ connection, shards }) => connection === 'connected' && shards.length > 0);
    if (found === undefined) throw new Error('No node has shards.');
    return found;
  };

  test('asks for a token, says that a wrong one is wrong, and lets the right one in', async () => {
    await page().goto(`${url}/`);
    await page().getByLabel('Token').fill('not-the-token');
    await page().getByRole('button', { name: 'Log in' }).click();
    await untilSaid(page(), '[role=alert]', /token/i);
    expect(page().url()).toBe(`${url}/dashboard/`);
    expect(await seriousFaults(page())).toEqual([]);
    await screenshot(page(), 'login', [1440]);
    await logIn(page(), url);
    await untilSaid(page(), '.verdict', /All 64 shards are up/);
    // No script of a page can read what stands for the token.
    expect(await page().evaluate('document.cookie')).toBe('');
  });

  test('shows nothing that acts to a token that may only read', async () => {
    const { token } = (await (
      await fetch(`${url}/v1/tokens`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}` },
        body: new URLSearchParams({ name: 'eyes-of-a-page', role: 'read' }),
      })
    ).json()) as { token: string };
    const reader = await openPage(browser);
    await logIn(reader.page, url, token);
    const { id } = await firstNode();
    for (const path of ['', 'rollout', 'operations', `nodes/${id}`, 'shards/0']) {
      await reader.page.goto(`${url}/dashboard/${path}`);
      await reader.page.locator('.connection.live').waitFor();
      const buttons = await reader.page.getByRole('button').allInnerTexts();
      expect(buttons.filter((text) => /drain|cordon|roll|rebalance|migrate|cancel|shut|take over/i.test(text))).toEqual(
        [],
      );
    }
    await reader.page.getByRole('button', { name: 'Log out' }).click();
    await reader.page.getByLabel('Token').waitFor();
    expect(reader.errors).toEqual([]);
    await reader.page.context().close();
  });

  test('is clean by axe on every page, in both themes', async () => {
    const { id } = await firstNode();
    const pages = [
      '',
      '?as=table',
      '?by=id&q=state:up',
      'nodes',
      `nodes/${id}`,
      'shards/3',
      'rollout',
      'operations',
      'events',
    ];
    for (const theme of ['light', 'dark'] as const) {
      await page().emulateMedia({ colorScheme: theme });
      for (const path of pages) {
        await visit(path);
        expect([theme, path, await seriousFaults(page())]).toEqual([theme, path, []]);
      }
    }
    await page().emulateMedia({ colorScheme: 'light' });
  });

  test('finds what a query asks for, keeps it in the address, and gives the same as a command', async () => {
    const { id } = await firstNode();
    await visit('');
    await page().keyboard.press('/');
    await page().keyboard.type(`state:up node:${id}`);
    const { nodes } = await world.fleet.client.status();
    const has = nodes.find((node) => node.id === id)?.shards.length ?? 0;
    await untilSaid(page(), '.query', new RegExp(`${has} of 64 shards`));
    expect(new URL(page().url()).searchParams.get('q')).toBe(`state:up node:${id}`);
    expect(await page().locator('.query .command code').innerText()).toBe(`dso shards --query 'state:up node:${id}'`);
    await page().getByRole('button', { name: 'table' }).click();
    await until(async () => (await page().locator('tbody tr').count()) === has, { what: 'the rows' });
    await page().locator('[data-query]').fill('stat:up');
    await untilSaid(page(), '.query', /Did you mean "state"\?/);
  });

  test('drains a node by the keyboard alone, and says before what that costs', async () => {
    const { id } = await firstNode();
    await visit('');
    await page().keyboard.press('g');
    await page().keyboard.press('n');
    await page().getByRole('heading', { name: 'Nodes', level: 1 }).waitFor();
    await tabTo(page(), id);
    await page().keyboard.press('Enter');
    await page()
      .getByRole('heading', { name: `Node ${id}` })
      .waitFor();
    await tabTo(page(), 'Drain');
    await page().keyboard.press('Enter');
    await untilSaid(page(), 'dialog .plan', /would move/);
    expect(await page().locator('dialog .command code').innerText()).toBe(`dso drain ${id}`);
    expect(await seriousFaults(page())).toEqual([]);
    await screenshot(page(), 'confirm', [1440]);
    await tabTo(page(), 'Drain');
    await page().keyboard.press('Enter');
    await page()
      .getByRole('heading', { name: /Operation/ })
      .waitFor();
    await untilSaid(page(), '.notes', /Moving the shards of node/);
    await untilSaid(page(), '.operation .chip', /done/, 120_000);
    await page().locator('.lane').first().waitFor();
    await screenshot(page(), 'operation');
    await visit(`nodes/${id}`);
    await untilSaid(page(), 'main', /has no shards|0 shards|\d+ shards/);
    expect(admin.errors).toEqual([]);
  });

  test('goes over the map with arrow keys, tells each shard, and opens one with Enter', async () => {
    await visit('');
    await page().keyboard.press('m');
    await page().keyboard.press('ArrowRight');
    await untilSaid(page(), '.map-at', /Shard \d+ up/);
    await page().keyboard.press('ArrowDown');
    const text = await page().locator('.map-at').innerText();
    await page().keyboard.press('Enter');
    const [, shard] = /Shard (\d+)/.exec(text) ?? [];
    await page()
      .getByRole('heading', { name: `Shard ${shard}`, level: 1 })
      .waitFor();
    await page().keyboard.press('?');
    await page().getByRole('dialog', { name: 'Keys' }).waitFor();
    await page().keyboard.press('Escape');
    await page().keyboard.press('t');
    await until(async () => (await page().evaluate('document.documentElement.dataset.theme')) === 'dark', {
      what: 'the dark theme',
    });
    await page().keyboard.press('t');
  });

  test('watches a rollout over 64 shards live: the old nodes drain, the new ones fill', async () => {
    await untilUp(world.fleet, SHARDS);
    await visit('');
    await screenshot(page(), 'overview');
    await visit('nodes');
    await screenshot(page(), 'nodes');
    await visit('rollout');
    await page().getByRole('button', { name: 'Fetch new version' }).click();
    await page().getByRole('dialog').getByRole('button', { name: 'Fetch new version' }).click();
    await untilSaid(page(), '.decision', /v2 is deployed/);
    await world.fleet.client.post('/v1/operations', { kind: 'rollout', bake: '4s', canary: '4' });
    await untilSaid(page(), '.decision', /canary|watched/i);
    await page().getByRole('button', { name: 'Pause', exact: true }).click();
    await page().getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click();
    await untilSaid(page(), '.decision', /paused by .* Shall it go on\?/);
    expect(await seriousFaults(page())).toEqual([]);
    await page().getByRole('button', { name: 'Go on', exact: true }).click();
    await page().getByRole('dialog').getByRole('button', { name: 'Go on', exact: true }).click();
    const moved = new Set<string>();
    await until(
      async () => {
        const text = (await page().locator('.decision').allInnerTexts()).join(' ');
        const [, count] = /(\d+) of 64 shards on the new nodes/.exec(text) ?? [];
        if (count !== undefined && !moved.has(count)) moved.add(count);
        if (Number(count) >= 20 && Number(count) < 60) await screenshot(page(), 'rollout');
        return /runs the deployed version v2/.test(text);
      },
      { what: 'the rollout to end', timeoutMs: 120_000 },
    );
    // It was seen as it went, not only as it began and ended.
    expect(moved.size).toBeGreaterThan(5);
    expect(admin.errors).toEqual([]);
  });

  test('says when the live connection is lost, labels what is stale, and goes on after a restart of the orchestrator', async () => {
    await untilUp(world.fleet, SHARDS);
    await visit('nodes');
    await world.fleet.killOrchestrator();
    await untilSaid(page(), '.banner', /Live connection lost — last heard \d+ s .*ago/);
    await untilSaid(page(), '.table', /stale/);
    expect(await seriousFaults(page())).toEqual([]);
    await screenshot(page(), 'lost', [1440]);
    await world.fleet.restartOrchestrator();
    await page().locator('.connection.live').waitFor();
    await until(async () => (await page().locator('.banner').count()) === 0, { what: 'the banner to go' });
    await untilUp(world.fleet, SHARDS);
    await visit('');
    await untilSaid(page(), '.verdict', /All 64 shards are up/);
    expect(admin.errors).toEqual([]);
  });

  test('has room on a phone: nothing is wider than the screen', async () => {
    await page().setViewportSize({ width: 390, height: 844 });
    const { id } = await firstNode();
    for (const path of ['', '?as=table', 'nodes', `nodes/${id}`, 'shards/3', 'rollout', 'operations', 'events']) {
      await visit(path);
      const wide = await page().evaluate('document.documentElement.scrollWidth');
      expect([path, wide]).toEqual([path, 390]);
    }
    await page().setViewportSize({ width: 1440, height: 900 });
    await visit(`nodes/${id}`);
    await screenshot(page(), 'node');
    await visit('shards/3');
    await screenshot(page(), 'shard');
    await visit('events');
    await screenshot(page(), 'events');
  });
});

/** Presses Tab until what has the keyboard says this. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let pressed = 0; pressed < 200; pressed += 1) {
    await page.keyboard.press('Tab');
    const said = (await page.evaluate('document.activeElement?.innerText ?? ""')) as string;
    if (said.trim() === text) {
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      expect([text, outline]).toEqual([text, 'solid']);
      return;
    }
  }
  throw new Error(`No Tab leads to "${text}".`);
}
