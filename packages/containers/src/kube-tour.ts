/**
 * The shipped manifests, played by `podman kube play`: PostgreSQL, two orchestrators, the bot. Each of its pods is
 * replaced as a Deployment does with maxSurge 1 and maxUnavailable 0: the new pod starts, its probe says that it is
 * ready, the old one gets its signal and its grace. Then the pod of the orchestrator that leads is ended.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ending, OrchestratorClient, spreadOf, waitFor } from '@dshard/demo';
import { delay } from '@dshard/transport';
import { allShardsUp, BETWEEN_STEPS_MS, compareCaches, standing, startComparison, type Context } from './context.js';
import { WORLD } from './discord.js';
import { lookInside } from './look-inside.js';
import { ADDRESSES, NETWORK, playable, SUBNET, type Replace } from './manifests.js';
import { IMAGES } from './project.js';
import { judge, type TourVerdict } from './verdict.js';

const PODS = 2;
const READY_TIMEOUT_MS = 90_000;
/** The probe's port, and REST's. */
const HEALTH_PORT = 8080;
const HTTP_PORT = 7448;

/** podman 4.3 reads a Secret in a form of its own. Returns the token. */
export async function writeSecret({ engine, world }: Omit<Context, 'client'>, folder: string): Promise<string> {
  const secret = (): string => randomBytes(32).toString('hex');
  const token = secret();
  const entries = { 'discord-token': world.discord.token, 'dso-token': token, 'postgres-password': secret() };
  const file = join(folder, 'secret.json');
  const coded = Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  writeFileSync(file, JSON.stringify(Object.fromEntries(coded)), { mode: 0o600 });
  await engine.podman('network', 'create', '--subnet', SUBNET, NETWORK);
  await engine.podman('secret', 'create', 'dso', file);
  return token;
}

export async function kubeTour(context: Omit<Context, 'client'>, folder: string, token: string): Promise<TourVerdict> {
  const { engine, steps, clock, world } = context;
  const clients = ADDRESSES.orchestrators.map((ip) => new OrchestratorClient(`http://${ip}:${HTTP_PORT}`, token));
  const play = async (file: string, change: Replace, addresses: readonly string[]): Promise<void> => {
    const path = join(folder, `${change.name}.yaml`);
    writeFileSync(path, playable(file, change, world));
    const ips = addresses.flatMap((ip) => ['--ip', ip]);
    await engine.podman('kube', 'play', '--network', NETWORK, ...ips, path);
  };
  const leader = async (): Promise<number> => {
    const asked = await Promise.all(
      clients.map((each) =>
        each.status().then(
          () => true,
          () => false,
        ),
      ),
    );
    return asked.indexOf(true);
  };
  await steps.run('podman kube play: PostgreSQL, two orchestrators, two pods of the bot', async () => {
    await play('postgres.yaml', { name: 'postgres' }, [ADDRESSES.postgres]);
    await play('orchestrator.yaml', { name: 'dso-orchestrator' }, ADDRESSES.orchestrators);
    await waitFor(clock, 'an orchestrator to lead', READY_TIMEOUT_MS, async () => (await leader()) >= 0);
    await play('bot.yaml', { name: 'bot', image: IMAGES.v1, replicas: PODS }, ADDRESSES.bots.slice(0, PODS));
  });
  let leads = await leader();
  const now = (): Context => ({ ...context, client: clients[leads] ?? unreachable() });
  await steps.run('all shards are up', () => allShardsUp(now()));
  const findings = [...(await lookInside(engine, 'bot-pod-0-bot', 'v1'))];
  await using comparison = await startComparison(now());

  const gapsBefore = world.discord.ledgerFigures().gapsMs.length;
  const endings: Ending[] = [];
  for (let pod = 0; pod < PODS; pod += 1) {
    const ip = ADDRESSES.bots[PODS + pod] ?? '';
    await steps.run(`a new pod of the bot starts and is ready, then bot-pod-${pod} is ended`, async () => {
      await play('bot.yaml', { name: `bot-next-${pod}`, image: IMAGES.v2, replicas: 1 }, [ip]);
      await waitFor(clock, `http://${ip}:${HEALTH_PORT}/readyz to say 200`, READY_TIMEOUT_MS, async () => {
        const answer = await fetch(`http://${ip}:${HEALTH_PORT}/readyz`).catch(() => null);
        return answer?.status === 200;
      });
      endings.push(await endPod(context, `bot-pod-${pod}`, 'bot'));
      await allShardsUp(now());
    });
    await delay(clock, BETWEEN_STEPS_MS);
  }
  const gapMs = spreadOf(world.discord.ledgerFigures().gapsMs.slice(gapsBefore));
  findings.push(...(await lookInside(engine, 'bot-next-0-pod-0-bot', 'v2')));

  const before = await standing(now());
  await steps.run('the pod of the orchestrator that leads is ended, and the other leads', async () => {
    const left = leads;
    await endPod(context, `dso-orchestrator-pod-${left}`, 'orchestrator');
    await waitFor(clock, 'the other to lead', READY_TIMEOUT_MS, async () => {
      leads = await leader();
      return leads >= 0 && leads !== left;
    });
    await allShardsUp(now());
    await delay(clock, BETWEEN_STEPS_MS);
  });
  const after = await standing(now());

  const caches = await compareCaches(now(), comparison.reference);
  const ledger = world.discord.ledgerFigures();
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

/** `terminationGracePeriodSeconds` of the bot. */
const GRACE_S = 60;

async function endPod({ engine, clock }: Omit<Context, 'client'>, pod: string, name: string): Promise<Ending> {
  const startedMs = clock.monotonicMs();
  await engine.podman('stop', '--time', `${GRACE_S}`, `${pod}-${name}`);
  const tookMs = Math.round(clock.monotonicMs() - startedMs);
  const code = Number(await engine.podman('inspect', '--format', '{{.State.ExitCode}}', `${pod}-${name}`));
  return { node: pod, code, signal: null, tookMs };
}

function unreachable(): never {
  throw new Error('No orchestrator leads.');
}
