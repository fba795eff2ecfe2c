/**
 * `npm run bench:dashboard`: how many frames a second a real browser draws of the shard map, while hundreds of shards
 * change each second. Chromium as Debian has it, without a graphics card, so a reader's own machine does better.
 */
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { delay, systemClock } from '@dshard/transport';
import { Command, InvalidArgumentError } from 'commander';
import { chromium } from 'playwright-core';
import { servePage } from './server.js';

type Flags = { shards: number; changes: number; nodes: number; seconds: number; least: number; json?: true };

const CHROMIUM = process.env['DSO_CHROMIUM'] ?? '/usr/bin/chromium';
const whole = (value: string): number => {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError('It must be an integer from 1 on.');
  return Number(value);
};

const flags = new Command('bench:dashboard')
  .description('Frames a second of the dashboard in a real browser. Exit code 1: fewer than --least.')
  .option('--shards <n>', 'shards on the map', whole, 5_000)
  .option('--changes <n>', 'shards that change each second', whole, 200)
  .option('--nodes <n>', 'nodes that have them', whole, 40)
  .option('--seconds <n>', 'how long frames are counted', whole, 10)
  .option('--least <n>', 'frames a second that are wanted', whole, 30)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

if (!existsSync(CHROMIUM)) {
  console.error(`NOT RUN: there is no Chromium at ${CHROMIUM}: apt-get install -y chromium, or set DSO_CHROMIUM.`);
  process.exit(77);
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
  const outcome = {
    shards: flags.shards,
    changesPerSecond: flags.changes,
    framesPerSecond: Math.round(measured.frames / flags.seconds),
    slowestFrameMs: Math.round(measured.slowest),
    p99FrameMs: Math.round(measured.p99),
    heapMb: memory === undefined ? null : Math.round(memory / 1e6),
    cores: cpus().length,
  };
  console.log(
    `${outcome.framesPerSecond} frames a second with ${flags.shards} shards and ${flags.changes} changes a second; ` +
      `99 % of the frames within ${outcome.p99FrameMs} ms, the slowest ${outcome.slowestFrameMs} ms.`,
  );
  if (flags.json === true) console.log(JSON.stringify(outcome));
  process.exitCode = outcome.framesPerSecond > flags.least ? 0 : 1;
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
