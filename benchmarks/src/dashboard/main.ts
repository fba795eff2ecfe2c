/**
 * `npm run bench -- dashboard`: how many frames a second a real browser draws of the shard map, while hundreds of
 * shards change each second. Chromium as Debian has it, without a graphics card, so a reader's own machine does better.
 */
import { existsSync } from 'node:fs';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { chromium } from 'playwright-core';
import { atLeast, figure, machine, tell, whole } from '../outcome.js';
import { servePage } from './server.js';

type Flags = { shards: number; changes: number; nodes: number; seconds: number; json?: true };

const CHROMIUM = process.env['DSO_CHROMIUM'] ?? '/usr/bin/chromium';
const LEAST_FRAMES = 30;

const flags = new Command('bench -- dashboard')
  .description('The shard map in a real browser, while shards change all the time.')
  .option('--shards <n>', 'shards on the map', whole, 5_000)
  .option('--changes <n>', 'shards that change each second', whole, 200)
  .option('--nodes <n>', 'nodes that have them', whole, 40)
  .option('--seconds <n>', 'how long frames are counted', whole, 10)
  .option('--json', 'the last line is the outcome as JSON')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench -- dashboard --json
  npm run bench -- dashboard --shards 10000 --changes 1000

Needs Chromium: apt-get install -y chromium, or DSO_CHROMIUM with its path.`,
  )
  .parse()
  .opts<Flags>();

if (!existsSync(CHROMIUM)) {
  console.error(`NOT RUN: there is no Chromium at ${CHROMIUM}: apt-get install -y chromium, or set DSO_CHROMIUM.`);
  process.exit(1);
}

const clock = systemClock();
const server = await servePage({ shards: flags.shards, nodes: flags.nodes, hosts: 4 }, flags.changes, clock);
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(server.url);
  await page.waitForSelector('.map canvas');
  await delay(clock, 2_000);
  const measured = await page.evaluate(framesIn, flags.seconds * 1_000);
  const memory = await page.evaluate(
    () => (performance as { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize,
  );
  console.error(`${flags.shards} shards on ${flags.nodes} nodes, ${flags.changes} changes a second; ${machine()}.`);
  tell(
    {
      name: 'dashboard',
      ...flags,
      targets: [
        atLeast('frames a second', Math.round(measured.frames / flags.seconds), LEAST_FRAMES),
        figure('99 % of the frames within, ms', Math.round(measured.p99)),
        figure('the slowest frame, ms', Math.round(measured.slowest)),
        figure('memory of the page, MB', Math.round((memory ?? 0) / 1e6)),
      ],
    },
    flags,
  );
} finally {
  await browser.close();
  server.close();
}

/** In the page. */
function framesIn(ms: number): Promise<{ frames: number; slowest: number; p99: number }> {
  return new Promise((resolve) => {
    const times: number[] = [];
    const frame = (now: number): void => {
      times.push(now);
      if (now - (times[0] ?? now) < ms) requestAnimationFrame(frame);
      else {
        const spans = times.slice(1).map((time, at) => time - (times[at] ?? time));
        const sorted = spans.sort((a, b) => a - b);
        resolve({
          frames: spans.length,
          slowest: sorted.at(-1) ?? 0,
          p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
        });
      }
    };
    requestAnimationFrame(frame);
  });
}
