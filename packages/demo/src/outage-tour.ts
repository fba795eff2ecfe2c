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
import { waitFor } from './steps.js';

/** Twice as long as anything used to be waited for, and longer than a heartbeat of Discord's. */
const AWAY_MS = 75_000;
/** The longest pause between two attempts to connect, and some. */
const BACK_WITHIN_MS = 90_000;

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
  await steps.run('Discord’s gateway is away: every connection is cut, and none comes about', async () => {
    await admin.takeGatewayAway({ how: 'hang-up' });
    admin.answerResumes('serve', { shards: [shard] });
    await waitFor(clock, 'all connections to be gone', START_TIMEOUT_MS, () => discord.readyShards() === 0);
  });
  await delay(clock, BETWEEN_STEPS_MS);
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
  await steps.run(`${AWAY_MS / 1000} s later it is back`, async () => {
    await delay(clock, Math.max(0, AWAY_MS - (clock.monotonicMs() - awaySince)));
    await admin.bringGatewayBack();
  });
  await steps.run('every shard is resumed, and the move is done', async () => {
    await waitFor(clock, 'all shards to be resumed', BACK_WITHIN_MS, async () => {
      const { shardCounts } = await fleet.client.status();
      return shardCounts.running === options.shards && discord.readyShards() === options.shards;
    });
    await answer;
  });
  await delay(clock, BETWEEN_STEPS_MS);
  await lastEventHandled(context);
  return { migrationsExpected: 1, losses: { shards: victim.shards } };
};

async function anotherNode(
  { fleet }: TourContext,
  others: readonly string[],
): Promise<{ id: string; pid: number; shards: number }> {
  const { nodes } = await fleet.client.status();
  const found = nodes.find(({ id, shards }) => shards.length > 0 && !others.includes(id));
  if (found === undefined || found.pid === null) throw new Error('There is no third node with shards.');
  return { id: found.id, pid: found.pid, shards: found.shards.length };
}
