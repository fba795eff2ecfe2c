/**
 * The shipped compose file, brought up; a new image of the bot, taken by `up -d` under traffic (the old container is
 * stopped, then the new one starts, and nobody else is there: the shards are parked); the orchestrator's container
 * recreated; everything taken down.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ending, spreadOf } from '@dshard/demo';
import { delay } from '@dshard/transport';
import { stringify } from 'yaml';
import { allShardsUp, BETWEEN_STEPS_MS, compareCaches, standing, startComparison, type Context } from './context.js';
import { BOT_ENVIRONMENT, DISCORD_FOLDER, HOSTS, REPORTS_FOLDER, TRUST, WORLD } from './discord.js';
import { lookHealthy, lookInside } from './look-inside.js';
import { BOT_IMAGE, IMAGES } from './project.js';
import { judge, type TourVerdict } from './verdict.js';

/** `stop_grace_period`, which podman-compose 1.0 does not read. */
const GRACE_S = 30;
const BOT = 'project_bot_1';
const ORCHESTRATOR = 'project_orchestrator_1';
export const OVERRIDE = 'compose.containers.yaml';

/** What the guide has a user write: `.env` and the token; and where Discord is here. Returns the token. */
export function writeSettings(
  project: string,
  discordToken: string,
  folders: { trust: string; reports: string },
): string {
  const secret = (): string => randomBytes(32).toString('hex');
  const token = secret();
  writeFileSync(join(project, '.env'), `DISCORD_TOKEN=${discordToken}\nPOSTGRES_PASSWORD=${secret()}\n`, {
    mode: 0o600,
  });
  mkdirSync(join(project, 'secrets'), { mode: 0o755 });
  writeFileSync(join(project, 'secrets/dso-token'), `${token}\n`);
  chmodSync(join(project, 'secrets/dso-token'), 0o444);
  const extra_hosts = HOSTS.map(([name, address]) => `${name}:${address}`);
  const trust = `${folders.trust}:${DISCORD_FOLDER}:ro`;
  const services = {
    orchestrator: { extra_hosts, environment: TRUST, volumes: [trust] },
    bot: {
      extra_hosts,
      environment: { ...TRUST, ...BOT_ENVIRONMENT },
      volumes: [trust, `${folders.reports}:${REPORTS_FOLDER}`],
    },
  };
  writeFileSync(join(project, OVERRIDE), stringify({ services }));
  return token;
}

export async function composeTour(context: Context): Promise<TourVerdict> {
  const { engine, steps, clock, world } = context;
  await steps.run('podman-compose up: PostgreSQL, the orchestrator, the bot', async () => {
    await engine.podman('tag', IMAGES.v1, BOT_IMAGE);
    await engine.compose('up', '-d', '--no-build');
    await allShardsUp(context);
  });
  const findings = [...(await lookInside(engine, BOT, 'v1')), ...(await lookHealthy(engine, [BOT, ORCHESTRATOR]))];
  await using comparison = await startComparison(context);

  const gapsBefore = world.discord.ledgerFigures().gapsMs.length;
  const endings: Ending[] = [];
  await steps.run('a new image of the bot: up -d stops the old container, then starts the new one', async () => {
    // Built before: nothing can be fetched in this network.
    await engine.podman('tag', IMAGES.v2, BOT_IMAGE);
    endings.push(await recreate(context, BOT));
    await allShardsUp(context);
  });
  const gapMs = spreadOf(world.discord.ledgerFigures().gapsMs.slice(gapsBefore));
  findings.push(...(await lookInside(engine, BOT, 'v2')), ...(await lookHealthy(engine, [BOT])));
  await delay(clock, BETWEEN_STEPS_MS);

  const before = await standing(context);
  await steps.run('the orchestrator’s container is recreated', async () => {
    await recreate(context, ORCHESTRATOR);
    await allShardsUp(context);
    await delay(clock, BETWEEN_STEPS_MS);
    await allShardsUp(context);
  });
  const after = await standing(context);

  const caches = await compareCaches(context, comparison.reference);
  const ledger = world.discord.ledgerFigures();
  await steps.run('podman-compose down', async () => {
    // The bot first, as Compose does; podman-compose would kill it after a second.
    for (const container of [BOT, ORCHESTRATOR]) endings.push(await end(context, container));
    await engine.compose('down');
    const left = await engine.containers();
    if (left.length > 0) findings.push(`after "down" there were still ${left.join(', ')}`);
  });
  return judge({
    shards: WORLD.shards,
    ledger,
    referenceIdentifies: comparison.identifies,
    caches,
    endings,
    graceMs: GRACE_S * 1_000,
    gapMs,
    orchestratorReplaced: { before, after },
    findings,
  });
}

/**
 * What `docker compose up -d` does to one service whose image is another. podman-compose 1.0 compares nothing, and
 * would end what the service depends on as well: it starts what is missing.
 */
async function recreate(context: Context, container: string): Promise<Ending> {
  const ending = await end(context, container);
  await context.engine.podman('rm', container);
  await context.engine.compose('up', '-d', '--no-build');
  return ending;
}

/** The signal of its image; SIGKILL when the grace is over. */
async function end({ engine, clock }: Context, container: string): Promise<Ending> {
  const startedMs = clock.monotonicMs();
  await engine.podman('stop', '--time', `${GRACE_S}`, container);
  const tookMs = Math.round(clock.monotonicMs() - startedMs);
  const code = Number(await engine.podman('inspect', '--format', '{{.State.ExitCode}}', container));
  return { node: container, code, signal: null, tookMs };
}
