/** What a node knows of its lease by its own clock: awake, asleep and cut off, with an orchestrator and without. */
import { virtualClock } from '@dshard/testkit';
import type { VirtualClock } from '@dshard/testkit';
import type { Clock } from '@dshard/transport';
import { afterEach, describe, expect, test } from 'vitest';
import type { LossCause } from '../src/index.js';
import { LeaseClient } from '../src/ownership-lease.js';

const LEASE_MS = 20_000;

/** A process that can be stopped: time goes on, its timers do not. */
class Bench {
  readonly world: VirtualClock = virtualClock();
  asked = 0;
  readonly #timers: (() => void)[] = [];
  #asleep = false;
  readonly client: LeaseClient;

  constructor(leaseMs: number | null = LEASE_MS) {
    const clock: Clock = {
      now: () => this.world.now(),
      wallClock: () => this.world.wallClock(),
      monotonicMs: () => this.world.monotonicMs(),
      after: (ms, callback) => this.world.after(ms, () => this.#fire(callback)),
      afterReading: (callback) => this.world.afterReading(() => this.#fire(callback)),
      every: (ms, callback) => this.world.every(ms, () => this.#fire(callback)),
    };
    this.client = new LeaseClient(clock, () => {
      this.asked += 1;
    });
    this.client.leased(leaseMs);
  }

  #fire(callback: () => void): void {
    if (this.#asleep) this.#timers.push(callback);
    else callback();
  }

  async pass(ms: number): Promise<void> {
    await this.world.run(ms);
  }

  /** SIGSTOP, and SIGCONT. What is due runs afterwards, or not yet. */
  async sleep(ms: number, timersFirst: boolean): Promise<void> {
    this.#asleep = true;
    await this.world.run(ms);
    this.#asleep = false;
    if (timersFirst) for (const due of this.#timers.splice(0)) due();
  }

  answered(): void {
    this.client.answered(this.world.now());
  }

  resume(cause: LossCause): 'at once' | { ended: string | null } {
    const wait = this.client.beforeResume(cause, new AbortController().signal);
    if (wait === null) return 'at once';
    const seen = { ended: null as string | null };
    void wait.then(() => {
      seen.ended = 'goes on';
    });
    return seen;
  }
}

const benches: Bench[] = [];
function bench(leaseMs?: number | null): Bench {
  const made = new Bench(leaseMs);
  benches.push(made);
  return made;
}
afterEach(() => {
  for (const { client } of benches.splice(0)) client.close();
});

describe('handing over', () => {
  test('goes on while the orchestrator is down, for hours, as long as the process is awake', async () => {
    const { client, pass } = bindings();
    for (let hour = 0; hour < 3; hour += 1) {
      await pass(3_600_000);
      const waited = client.mayDeliver() ? Promise.resolve('at once') : client.trusted();
      await pass(0);
      expect(await waited).toBe('confirmed');
      expect(client.isAwake()).toBe(true);
    }
  });

  // Under load a node whose lease was over read its socket late: twelve events that its successor had handled, and
  // Discord's close behind them (npm run chaos -- --hosts 3).
  describe('while the lease is over,', () => {
    test('waits until a reading brings nothing more', async () => {
      const made = bench();
      await made.pass(LEASE_MS + 1_000);
      const order: string[] = [];
      const comes = (more: number): void => {
        made.world.after(0, () => {
          order.push(made.client.mayDeliver() ? 'handed over' : 'kept');
          if (more > 0) comes(more - 1);
        });
      };
      expect(made.client.mayDeliver()).toBe(false);
      comes(2);
      void made.client.trusted().then(() => order.push('trusted'));
      await made.pass(0);
      expect(order).toEqual(['kept', 'kept', 'kept', 'trusted']);
    });

    test('does not wait for ever where each reading brings something', async () => {
      const made = bench();
      await made.pass(LEASE_MS + 1_000);
      let readings = 0;
      const comes = (): void => {
        readings += 1;
        made.client.mayDeliver();
        if (readings < 50) made.world.afterReading(comes);
      };
      comes();
      let seenAt: number | null = null;
      void made.client.trusted().then(() => {
        seenAt = readings;
      });
      await made.pass(0);
      expect(seenAt).toBe(11);
    });
  });

  test.each([
    ['its timers fire first', true],
    ['an event is looked at first', false],
  ])(
    'stops after a sleep in which the lease ended, when %s, until the orchestrator has answered',
    async (_, timers) => {
      const made = bench();
      await made.sleep(LEASE_MS + 1_000, timers);
      expect(made.client.mayDeliver()).toBe(false);
      let outcome: string | null = null;
      void made.client.trusted().then((how) => {
        outcome = how;
      });
      // An answer to what was sent before it slept says nothing.
      made.client.answered(made.world.now() - LEASE_MS);
      await made.pass(100);
      expect([made.client.mayDeliver(), outcome, made.asked]).toEqual([false, null, 1]);
      made.answered();
      await made.pass(0);
      expect([made.client.mayDeliver(), outcome]).toEqual([true, 'confirmed']);
    },
  );

  test('goes on after a sleep that ended before the lease', async () => {
    const made = bench();
    await made.sleep(LEASE_MS - 1_000, false);
    expect(made.client.mayDeliver()).toBe(true);
    await made.pass(5_000);
    expect(made.client.isAwake()).toBe(true);
  });

  test('waits no longer when nobody answers, and the connection has to be made anew', async () => {
    const made = bench();
    await made.sleep(LEASE_MS * 2, true);
    const outcome = made.client.trusted();
    await made.pass(10_000);
    expect(await outcome).toBe('timedOut');
    expect(made.client.isAwake()).toBe(true);
  });

  // A host whose network was away, from Discord too: its shards were taken over, and when the network came back it
  // handed over what TCP had kept for it, 1,489 events that others had handled (npm run chaos -- --hosts 3).
  describe('after a long silence of a connection, while the lease is over,', () => {
    test('waits for the burst to be over, in which Discord’s close would come', async () => {
      const made = bench();
      await made.pass(LEASE_MS + 1_000);
      expect(made.client.mayDeliver(6_000)).toBe(false);
      let outcome: string | null = null;
      void made.client.trusted().then((how) => {
        outcome = how;
      });
      await made.pass(1_900);
      expect([outcome, made.asked]).toEqual([null, 1]);
      await made.pass(200);
      expect([outcome, made.client.isAwake()]).toEqual(['confirmed', true]);
    });

    test('goes on as soon as the orchestrator answers', async () => {
      const made = bench();
      await made.pass(LEASE_MS + 1_000);
      expect(made.client.mayDeliver(6_000)).toBe(false);
      const outcome = made.client.trusted();
      await made.pass(10);
      made.answered();
      expect(await outcome).toBe('confirmed');
      expect(made.client.mayDeliver(6_000)).toBe(true);
    });
  });

  test('does not look at the lease where nothing is ever taken over', async () => {
    const made = bench(null);
    await made.sleep(3_600_000, true);
    expect(made.client.mayDeliver()).toBe(true);
    expect(made.resume('displaced')).toBe('at once');
  });
});

describe('resuming', () => {
  test.each<[string, number, LossCause, boolean]>([
    ['under the lease', 1_000, 'attached', true],
    ['under the lease', 1_000, 'unproven', true],
    ['under the lease', 1_000, 'displaced', false],
    ['on its own', LEASE_MS + 1_000, 'attached', true],
    ['on its own', LEASE_MS + 1_000, 'unproven', false],
    ['on its own', LEASE_MS + 1_000, 'displaced', false],
  ])(
    'begins at once or asks first: %s, %i ms after the last answer, after a connection that ended %s (at once: %s)',
    async (_, ms, cause, atOnce) => {
      const made = bench();
      await made.pass(ms);
      const seen = made.resume(cause);
      if (atOnce) {
        expect(seen).toBe('at once');
        return;
      }
      expect(made.asked).toBe(1);
      expect(seen).toEqual({ ended: null });
      made.answered();
      await made.pass(0);
      expect(seen).toEqual({ ended: 'goes on' });
    },
  );

  test('always asks first after a sleep', async () => {
    const made = bench();
    await made.sleep(LEASE_MS + 5_000, false);
    expect(made.resume('attached')).toEqual({ ended: null });
  });

  test('waits each time twice as long for an orchestrator that is away, but not for ever', async () => {
    const made = bench();
    await made.pass(LEASE_MS + 1_000);
    for (const ms of [10_000, 20_000, 40_000]) {
      const seen = made.resume('displaced');
      await made.pass(ms - 1);
      expect(seen).toEqual({ ended: null });
      await made.pass(1);
      expect(seen).toEqual({ ended: 'goes on' });
    }
    made.answered();
    await made.pass(LEASE_MS + 1);
    const seen = made.resume('unproven');
    await made.pass(10_000);
    expect(seen).toEqual({ ended: 'goes on' });
  });

  test('does not count the time that it slept through', async () => {
    const made = bench();
    await made.pass(LEASE_MS + 1_000);
    const seen = made.resume('unproven');
    await made.pass(4_000);
    await made.sleep(60_000, true);
    await made.pass(9_999);
    expect(seen).toEqual({ ended: null });
    await made.pass(1);
    expect(seen).toEqual({ ended: 'goes on' });
  });

  test('is aborted when the shard is stopped meanwhile', async () => {
    const made = bench();
    const stopped = new AbortController();
    const wait = made.client.beforeResume('displaced', stopped.signal);
    stopped.abort(new Error('stopped'));
    await expect(wait).rejects.toThrow('stopped');
  });
});

function bindings(): { client: LeaseClient; pass: (ms: number) => Promise<void> } {
  const made = bench();
  return { client: made.client, pass: (ms) => made.pass(ms) };
}
