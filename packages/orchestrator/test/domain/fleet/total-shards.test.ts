/** What becomes of a question to Discord that fails. */
import { expect, test } from 'vitest';
import { World } from '../world.js';

type Failure = { reason: string; isRefused?: boolean; retryAfterMs?: number | null };

/** Asks, fails so each time, and says when it was asked. */
function askedAt(failure: Failure, ms: number): { world: World; at: number[] } {
  const world = new World({ totalShards: null }).start();
  const start = world.now;
  const at: number[] = [];
  world.gateway = null;
  world.failure = failure;
  world.onAsked = () => at.push(world.now - start);
  // The first question was asked, and answered, before.
  world.feed({ kind: 'gatewayInfoFailed', ...failure });
  world.pass(ms);
  return { world, at };
}

test('Discord is asked again with a pause that doubles, up to a minute', () => {
  expect(askedAt({ reason: 'no route' }, 200_000).at).toEqual([
    1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000,
  ]);
});

// It was asked again after 1, 2, 4 … s, which makes a ban longer.
test('who says how long to wait is asked after that, and not before', () => {
  expect(askedAt({ reason: 'a ban', retryAfterMs: 3_600_000 }, 8_000_000).at).toEqual([3_600_000, 7_200_000]);
  expect(askedAt({ reason: 'a limit', retryAfterMs: 5_000 }, 12_000).at).toEqual([5_000, 10_000]);
});

// It was asked every minute, and each time an event was told.
test('a wrong token is told once, stays in the status, and is asked ever more rarely', () => {
  const { world, at } = askedAt({ reason: 'the token is wrong', isRefused: true }, 86_400_000);
  expect(at.slice(0, 4)).toEqual([300_000, 900_000, 2_100_000, 4_500_000]);
  expect(at.length).toBeLessThan(10);
  const told = world.recorded('gatewayInfoFailed').filter(({ text }) => text.includes('the token is wrong'));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ level: 'error' });
  expect(told[0]?.text).toContain('restarted with the right one (DISCORD_TOKEN)');
  expect(world.state.gateway).toMatchObject({ kind: 'failed', refused: 'the token is wrong' });
});

test('a token that is refused after an outage is told, and one that is taken again is forgotten', () => {
  const { world } = askedAt({ reason: 'no route' }, 10_000);
  world.feed({ kind: 'gatewayInfoFailed', reason: 'the token is wrong', isRefused: true });
  expect(world.recorded('gatewayInfoFailed').at(-1)?.text).toContain('the token is wrong');
  world.gateway = { shards: 4, maxConcurrency: 1 };
  world.pass(300_000);
  expect(world.state.gateway.kind).toBe('known');
});
