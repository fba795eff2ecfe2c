/**
 * Scenario `outage`: Discord's gateway goes away for 75 s, in the very moment at which a shard is between its nodes,
 * and while it is away a node is killed. Nobody answers, and nobody takes that for a refusal: when the gateway is back
 * every shard is resumed where it is to be, and no session is given up.
 */
import { delay } from '@dshard/transport';
import {
  aShardAndTwoNodes,
  BETWEEN_STEPS_MS,
  lastEventHandled,
  START_TIMEOUT_MS,
  startShardsAndTraffic,
  type Tour,
  type TourContext,
} from './tour.js';
import { dsoFails, dsoShows } from './orchestrator.js';
import { waitFor } from './steps.js';

/** Twice as long as anything used to be waited for, and longer than a heartbeat of Discord's. */
const AWAY_MS = 75_000;
/** The longest pause between two attempts to connect, and some. */
const BACK_WITHIN_MS = 90_000;
/** Nodes report a loss at once. */
const SHOWN_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 100;

export const outageTour: Tour = async (context) => {
  const { fleet, steps, clock, discord, options } = context;
  const { admin } = discord.emulator;
  await startShardsAndTraffic(context);
  const { shard, from, to } = await aShardAndTwoNodes(context);
  const victim = await anotherNode(context, [from, to]);

  let answer: Promise<unknown> = Promise.resolve();
  await steps.run(`moving shard ${shard} from ${from} to ${to}, until it is between the two`, async () => {
    // Its RESUME finds no answer, so that there is time to take the gateway away.
    admin.answerResumes('never', { shards: [shard] });
    answer = fleet.client.post('/migrateshard', { shard: `${shard}`, destination_node: to });
    answer.catch(() => undefined);
    await waitFor(clock, `shard ${shard} to be resumed on ${to}`, START_TIMEOUT_MS, async () => {
      const { migrations } = await fleet.client.status();
      return migrations.some((migration) => migration.shard === shard && migration.step === 'activating');
    });
  });
  const awaySince = clock.monotonicMs();
  const watch = watchStatus(context);
  await steps.run('Discord’s gateway is away: every connection is cut, and none comes about', async () => {
    await admin.takeGatewayAway({ how: 'hang-up' });
    admin.answerResumes('serve', { shards: [shard] });
    await waitFor(clock, 'all connections to be gone', START_TIMEOUT_MS, () => discord.readyShards() === 0);
  });
  await steps.run('status shows every shard down, and why; dso status says so, too', async () => {
    await waitFor(clock, 'every shard to be shown down', SHOWN_WITHIN_MS, () => watch.shown === options.shards);
    await dsoShows(fleet.httpUrl, ['status'], [`${options.shards} shards: 0 up`]);
  });
  await steps.run(
    `kill -9 of ${victim.id}, which has ${victim.shards} shards: the others are to resume them`,
    async () => {
      process.kill(victim.pid, 'SIGKILL');
      await waitFor(clock, `the shards of ${victim.id} to be given to others`, START_TIMEOUT_MS, async () => {
        const { nodes } = await fleet.client.status();
        return nodes.every(({ id, shards }) => id !== victim.id || shards.length === 0);
      });
    },
  );
  await steps.run('the alarm rises, and dso health names what to do', async () => {
    await waitFor(clock, 'the alarm', START_TIMEOUT_MS, () => watch.roseMs !== null);
    await dsoFails(fleet.httpUrl, ['health'], ['ALARM gatewayUnreachable', 'discordstatus.com']);
  });
  await steps.run(`${AWAY_MS / 1000} s later it is back`, async () => {
    await delay(clock, Math.max(0, AWAY_MS - (clock.monotonicMs() - awaySince)));
    await admin.bringGatewayBack();
  });
  await steps.run('every shard is resumed, and the move is done', async () => {
    await waitFor(clock, 'all shards to be resumed', BACK_WITHIN_MS, async () => {
      const { conditionCounts } = await fleet.client.status();
      return conditionCounts.up === options.shards && discord.readyShards() === options.shards;
    });
    await answer;
  });
  await steps.run('the alarm falls', () =>
    waitFor(clock, 'the alarm to fall', START_TIMEOUT_MS, () => watch.fellMs !== null),
  );
  watch.stop();
  const { shown, roseMs, fellMs, reasons, unexplained } = watch;
  await delay(clock, BETWEEN_STEPS_MS);
  await lastEventHandled(context);
  const rows = await fleet.client.events(0);
  const recorded = (name: string): boolean =>
    rows.some((row) => row.name === name && row.fields['kind'] === 'gatewayUnreachable');
  const outage = {
    awayMs: AWAY_MS,
    shownDown: shown,
    unexplained,
    reasons: [...reasons].toSorted(),
    alarmRoseMs: roseMs,
    alarmFellMs: fellMs,
    inHistory: recorded('alarmRaised') && recorded('alarmCleared'),
  };
  return { migrationsExpected: 1, losses: { shards: victim.shards }, outage };
};

/** What the orchestrator said of the outage. */
export type OutageFigures = {
  awayMs: number;
  /** How many shards status showed down at once. */
  shownDown: number;
  /** How many of them without a reason, or without since when. */
  unexplained: number;
  reasons: readonly string[];
  /** After Discord went away; null: never. */
  alarmRoseMs: number | null;
  /** After it had risen. */
  alarmFellMs: number | null;
  /** The alarm's rise and fall are in the history. */
  inHistory: boolean;
};

type StatusWatch = {
  shown: number;
  unexplained: number;
  readonly reasons: Set<string>;
  roseMs: number | null;
  fellMs: number | null;
  stop(): void;
};

/** Asks for the status, over and over, as a dashboard does. */
function watchStatus({ fleet, clock }: TourContext): StatusWatch {
  const begunMs = clock.monotonicMs();
  const watch: StatusWatch = {
    shown: 0,
    unexplained: 0,
    reasons: new Set(),
    roseMs: null,
    fellMs: null,
    stop: () => cancel(),
  };
  const look = async (): Promise<void> => {
    const { notUp, alarms } = await fleet.client.status();
    const down = notUp.filter(({ condition: { why, since } }) => why !== null && since > 0);
    for (const { condition } of down) watch.reasons.add(`${condition.kind}: ${condition.why}`);
    if (down.length > watch.shown) watch.shown = down.length;
    const isRaised = alarms.some(({ kind }) => kind === 'gatewayUnreachable');
    const elapsedMs = Math.round(clock.monotonicMs() - begunMs);
    if (isRaised) watch.roseMs ??= elapsedMs;
    else if (watch.roseMs !== null) watch.fellMs ??= elapsedMs - watch.roseMs;
    // From the moment on in which they are all shown, and as long as Discord is away.
    if (isRaised && down.length < notUp.length)
      watch.unexplained = Math.max(watch.unexplained, notUp.length - down.length);
  };
  // An answer that does not come is not what is judged here.
  const cancel = clock.every(LOOK_EVERY_MS, () => void look().catch(() => undefined));
  return watch;
}

async function anotherNode(
  { fleet }: TourContext,
  others: readonly string[],
): Promise<{ id: string; pid: number; shards: number }> {
  const { nodes } = await fleet.client.status();
  const found = nodes.find(({ id, shards }) => shards.length > 0 && !others.includes(id));
  if (found === undefined || found.pid === null) throw new Error('There is no third node with shards.');
  return { id: found.id, pid: found.pid, shards: found.shards.length };
}
