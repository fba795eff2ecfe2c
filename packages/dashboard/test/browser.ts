/**
 * A real browser for the tests, and a real fleet for it to look at. Where there is no Chromium, tests that need one say
 * loudly that they are not run.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as Demo from '@dshard/demo';
import type { Discord, Fleet, FleetOptions } from '@dshard/demo';
import { until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** As built: its bots are programs beside it. */
const demo = (await import(new URL('../../demo/dist/index.js', import.meta.url).href)) as typeof Demo;

const CHROMIUM = process.env['DSO_CHROMIUM'] ?? '/usr/bin/chromium';
export const HAS_CHROMIUM: boolean = existsSync(CHROMIUM);
if (!HAS_CHROMIUM) {
  process.stderr.write(
    `\nNOT RUN: the tests of the dashboard in a browser. There is no Chromium at ${CHROMIUM}:\n` +
      'apt-get install -y chromium, or set DSO_CHROMIUM to its path.\n\n',
  );
}

export const TOKEN = 'a-token-of-the-fleet-that-nobody-guesses';
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export type World = { readonly fleet: Fleet; readonly discord: Discord; end(): Promise<void> };

/** Real processes: `dso up`, nodes of the demo's bot, and the gateway emulator as Discord. */
export async function startWorld(
  options: Pick<FleetOptions, 'bot' | 'shards' | 'nodes'> & Partial<FleetOptions>,
  rate: number,
): Promise<World> {
  const clock = systemClock();
  const { shards } = options;
  const world = { shards, guilds: 4, members: 5, rate, seed: 1, maxConcurrency: 64, identifyWindow: 500 };
  const discord = await demo.startDiscord(clock, { ...world, scenario: 'tour' });
  const fleet = await demo.Fleet.start(
    clock,
    {
      api: discord.api,
      discordToken: discord.token,
      identifyWindow: 500,
      stateMb: 0,
      ports: { node: await demo.freePort(0), http: await demo.freePort(0) },
      token: TOKEN,
      ...options,
    },
    { onLog: () => undefined, onHandled: (node, event) => discord.handled(node, event) },
  );
  const end = async (): Promise<void> => {
    discord.stopTraffic();
    await fleet.end();
    await discord.close();
  };
  try {
    await untilUp(fleet, shards);
  } catch (error) {
    await end();
    throw error;
  }
  discord.startTraffic();
  return { fleet, discord, end };
}

export async function untilUp({ client }: Fleet, shards: number): Promise<void> {
  const allUp = async (): Promise<boolean> => (await client.status()).conditionCounts.up === shards;
  await until(allUp, { what: `${shards} shards to be up`, timeoutMs: 60_000 });
}

/** Every error that the page tells of is a failed test. */
export type Watched = { readonly page: Page; readonly errors: readonly string[] };

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  page.on('console', (message) => {
    // An orchestrator that is away, and a token that is refused, are what tests are about.
    const isExpected = /Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE/.test(message.text());
    if (message.type() === 'error' && !isExpected) errors.push(message.text());
  });
  return { page, errors };
}

export async function logIn(page: Page, url: string, token: string = TOKEN): Promise<void> {
  await page.goto(`${url}/dashboard/`);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('.connection.live').waitFor();
}

/** What axe finds that is serious or worse. Its source is given to the page past the page's own policy. */
export async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: { id: string; impact: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html ?? ''} ${nodes[0]?.failureSummary ?? ''}`);
}

const IMAGES = fileURLToPath(new URL('../../../docs/guide/images/', import.meta.url));
/** `DSO_SCREENSHOTS=1 npm run e2e -- packages/dashboard` writes those of the documentation. */
const WRITES = process.env['DSO_SCREENSHOTS'] === '1';
const WIDTHS: readonly number[] = [1440, 1024, 390];

export async function screenshot(page: Page, name: string, widths: readonly number[] = WIDTHS): Promise<void> {
  if (!WRITES) return;
  mkdirSync(IMAGES, { recursive: true });
  const before = page.viewportSize();
  for (const width of widths) {
    await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await page.screenshot({ path: `${IMAGES}dashboard-${name}-${width}.png`, animations: 'disabled' });
  }
  if (before !== null) await page.setViewportSize(before);
}

/** The page comes to say this there. The browser itself looks: the emulator shares our process, and needs its time. */
export async function untilSaid(page: Page, where: string, what: RegExp, timeout = 60_000): Promise<void> {
  await page.locator(where).filter({ hasText: what }).first().waitFor({ timeout });
}
