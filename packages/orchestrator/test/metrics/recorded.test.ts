/** From what happens in a fleet to what metrics say of it: the domain's own entries of the history are counted. */
import { quantileOf } from '@dshard/api';
import { expect, test } from 'vitest';
import { Ledger } from '../../src/metrics/ledger.js';
import { METRICS } from '../../src/metrics/metrics.js';
import { pausesOf } from '../../src/metrics/pauses.js';
import { scene } from '../domain/migration/live-scenes.js';
import { drain, World } from '../domain/world.js';
import { exposed, lookOn, samplesIn } from './look.js';

function ledgerOf(world: World): Ledger {
  const ledger = new Ledger(METRICS);
  for (const entry of world.entries) ledger.entry(entry);
  return ledger;
}

/** What is counted, and what is read off the state. */
function samplesOf(world: World): Map<string, number> {
  return samplesIn(exposed(lookOn(world.state), { ledger: ledgerOf(world) }));
}

test('a live migration under a slow Discord: frozen and replayed for as long as that took, and its gap is that', () => {
  const { world, b } = scene({ migrationStepTimeoutMs: 20_000 });
  b.discordIsAway = true;
  world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.pass(3_000);
  b.discordIsBack();
  world.settle();
  const samples = samplesOf(world);
  expect(samples.get('dso_migrations_total{outcome="moved"}')).toBe(1);
  expect(samples.get('dso_migration_replay_seconds_sum')).toBe(3);
  expect(samples.get('dso_migration_frozen_seconds_sum')).toBe(3);
  expect(samples.get('dso_shard_gap_seconds_sum{cause="migration"}')).toBe(3);
  const { frozen, gap } = pausesOf(ledgerOf(world));
  expect([frozen.count, frozen.sum, gap.migration.count, gap.resume.count]).toEqual([1, 3_000, 1, 0]);
  expect(quantileOf(frozen, 0.99)).toBeGreaterThan(2_500);
});

test('the ends of migrations name the operation that they are steps of, so that its life can be followed', () => {
  const { world } = scene();
  world.ask({ kind: 'uncordonNode', node: 'b' });
  world.ask(drain('a', 'b'));
  world.pass(30_000);
  const [started] = world.recorded('operationStarted');
  const ends = world.entries.filter(({ name }) => name === 'migrationCompleted');
  expect(ends.map(({ fields }) => fields['operation'])).toEqual(ends.map(() => started?.fields['operation']));
  expect(ends).toHaveLength(4);
});

test('the shards of a node that died are taken over and resumed; their gap is the age of their cursors', () => {
  const world = new World().start();
  const a = world.join('a');
  world.pass(25_000);
  world.join('b');
  world.pass(2_000);
  world.kill(a);
  world.pass(1_000);
  const samples = samplesOf(world);
  expect(samples.get('dso_takeovers_total{reason="dead"}')).toBe(4);
  expect(samples.get('dso_takeovers_total{reason="silent"}')).toBe(0);
  expect(samples.get('dso_resumes_total{outcome="resumed"}')).toBe(4);
  expect(samples.get('dso_shard_gap_seconds_count{cause="resume"}')).toBe(4);
  const longest = world.state.settings.heartbeatIntervalMs / 1_000 + 1;
  expect(samples.get('dso_shard_gap_seconds_sum{cause="resume"}')).toBeLessThanOrEqual(4 * longest);
});

test('the shards of a node that is silent for too long are taken over, too, and told apart', () => {
  const world = new World({ maxNodeDowntimeMs: 10_000 }).start();
  const a = world.join({ id: 'a', elsewhere: true });
  world.pass(25_000);
  world.join({ id: 'b', elsewhere: true });
  world.kill(a, { noticed: false });
  world.pass(15_000);
  const samples = samplesOf(world);
  expect(samples.get('dso_takeovers_total{reason="silent"}')).toBe(4);
  expect(samples.get('dso_takeovers_total{reason="dead"}')).toBe(0);
});

test('a session that Discord does not resume is no resume: the node was let IDENTIFY, and the history says so', () => {
  const world = new World().start();
  const a = world.join('a');
  world.pass(25_000);
  const b = world.join('b');
  b.discordIsAway = true;
  world.kill(a);
  world.pass(1_000);
  for (const shardId of [0, 1]) b.send({ kind: 'identifyRequest', shardId });
  world.pass(10_000);
  b.discordIsBack();
  world.settle();
  const samples = samplesOf(world);
  expect(samples.get('dso_resumes_total{outcome="identified"}')).toBe(2);
  expect(samples.get('dso_resumes_total{outcome="resumed"}')).toBe(2);
  const anew = world.entries.filter(({ fields }) => fields['sessionLost'] === true);
  expect(anew.map(({ text }) => text)).toEqual([
    'Shard 0 is started on node b. Its gateway session was gone, so it identified anew.',
    'Shard 1 is started on node b. Its gateway session was gone, so it identified anew.',
  ]);
});

test('another process under the id of a node is a restart, and another connection of the same process is none', () => {
  const world = new World().start();
  const a = world.join({ id: 'a', elsewhere: true });
  world.pass(5_000);
  world.disconnect(a);
  world.connect(a);
  world.pass(5_000);
  expect(samplesOf(world).get('dso_node_restarts_total{node="a"}')).toBe(0);
  world.kill(a, { noticed: false });
  world.join({ id: 'a', elsewhere: true });
  world.pass(5_000);
  expect(samplesOf(world).get('dso_node_restarts_total{node="a"}')).toBe(1);
});
