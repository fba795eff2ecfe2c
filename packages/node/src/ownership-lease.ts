/**
 * What this process can know by itself of whether its shards are still its own. An orchestrator that does not hear a
 * node for `maxNodeDowntime` gives its shards to others, and cannot tell it. So the node has a lease, shorter than
 * that, from when it sent a heartbeat that was answered, by its own clock.
 *
 *     leased     nobody has taken anything over
 *     on its own the lease is over, and the process was awake all the time: the shards go on (an orchestrator that is down costs no
 *                shard). Discord gives a session to one connection only: whoever loses his without Discord's word asks first.
 *                A process that gets little to run reads late: what it reads is kept until all that has come was read, for
 *                had somebody else taken the session, Discord's close is behind it
 *     cut off    the same, and a connection brings something after a long silence: the network was away perhaps, and what comes is
 *                what waited for it. It is kept for a moment: had somebody else taken the session, Discord's close comes next
 *     slept      the lease ended while the process was stopped: what it received may be stale, so nothing is handed to user code, and
 *                nothing resumed, before the orchestrator has answered (it names shards that were taken over before it answers)
 *
 * An orchestrator that does not answer is waited for `FIRST_WAIT_MS`, then the node goes on; should somebody else have
 * the session he gets it back from Discord, and the next wait is twice as long. So two who cannot hear of each other
 * take it from each other ever more rarely, and a bot whose orchestrator is down waits once.
 *
 * The clock is read when it matters, in each call: after a pause timers fire late, or after the message that they were
 * to prevent.
 */
import { delay, type Cancel, type Clock } from '@dshard/transport';

/** A process that does not get to run for longer than this has slept. */
const LONGEST_NAP_MS = 1_000;
const LOOK_EVERY_MS = 250;
/** Of a gateway connection; shorter than it takes to be taken over. */
const LONGEST_SILENCE_MS = 5_000;
/** What waited in a network that was away comes in one burst, Discord's close with it. */
const BURST_MS = 2_000;
/** What has come was read when a reading brought nothing more. A bot to which something comes all the time goes on. */
const MOST_READINGS = 10;
const FIRST_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 300_000;

/**
 * How a gateway connection ended. `attached`: Discord itself ended it, so the session was ours till then. `displaced`:
 * another connection has resumed the session. `unproven`: it just ended.
 */
export type LossCause = 'attached' | 'displaced' | 'unproven';

/** What hosts ask. */
export type OwnershipLease = {
  /**
   * Whether an event may go to user code now. If not it is to be kept until `trusted` resolves, and dropped when the
   * connection ends, or begins to, before. `silentMs`: for so long nothing had come on its connection.
   */
  mayDeliver(silentMs?: number): boolean;
  /** Whether what was kept until `trusted` resolved may go to user code now: the process has not slept meanwhile. */
  isAwake(): boolean;
  /** `confirmed`: go on. `timedOut`: drop what was kept and resume from the cursor, Discord knows whose it is. */
  trusted(): Promise<'confirmed' | 'timedOut'>;
  /**
   * Before a session is resumed that was not just given to this node. null: at once. Rejects when `signal` aborts.
   * After `timedOut`, as after `displaced`, another node may have handled what is replayed, so it is to be marked.
   */
  beforeResume(cause: LossCause, signal: AbortSignal): Promise<'confirmed' | 'timedOut'> | null;
};

type Outcome = 'confirmed' | 'timedOut';
type Waiter = { since: number; settle: (outcome: Outcome) => void };

export class LeaseClient implements OwnershipLease {
  readonly #clock: Clock;
  readonly #ask: () => void;
  readonly #waiters = new Set<Waiter>();
  /** null: the orchestrator takes nothing over behind our back. */
  #leaseMs: number | null = null;
  #until = 0;
  #lookedAt = 0;
  #sleptAt: number | null = null;
  /** Something came after a long silence, and nobody has asked yet. */
  #brokenAt: number | null = null;
  /** How often somebody asked whether an event may be handed over while the lease was over. */
  #late = 0;
  /** How often nobody answered, in a row. */
  #timedOut = 0;
  #patience: AbortController | null = null;
  #stopLooking: Cancel | null = null;

  /** @param ask sends a heartbeat out of turn, if there is a connection. */
  constructor(clock: Clock, ask: () => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** A connection is established. A lease that is over is renewed by an answer only. */
  leased(leaseMs: number | null): void {
    const now = this.#look();
    if (this.#leaseMs === null && leaseMs !== null) {
      this.#until = now + leaseMs;
      this.#lookedAt = now;
      this.#stopLooking ??= this.#clock.every(LOOK_EVERY_MS, () => void this.#look());
    }
    this.#leaseMs = leaseMs;
    if (leaseMs === null) {
      this.#sleptAt = null;
      this.#settle(now, 'confirmed');
    }
  }

  /** A heartbeat sent at this time was answered. */
  answered(sentAt: number): void {
    this.#look();
    this.#until = Math.max(this.#until, sentAt + (this.#leaseMs ?? 0));
    this.#timedOut = 0;
    if (this.#sleptAt !== null && sentAt >= this.#sleptAt) {
      this.#sleptAt = null;
    }
    this.#settle(sentAt, 'confirmed');
  }

  /** Nobody may have taken a shard of this node over. */
  isLeased(): boolean {
    const now = this.#look();
    return this.#leaseMs === null || (now <= this.#until && this.#sleptAt === null);
  }

  /** For so long a node that is not heard of goes on. 0: nothing is ever taken over. */
  get leaseMs(): number {
    return this.#leaseMs ?? 0;
  }

  mayDeliver(silentMs: number = 0): boolean {
    const now = this.#look();
    const isOver = this.#leaseMs !== null && now > this.#until;
    if (isOver) this.#late += 1;
    if (isOver && silentMs > LONGEST_SILENCE_MS) this.#brokenAt = now;
    return this.#sleptAt === null && !isOver;
  }

  isAwake(): boolean {
    this.#look();
    return this.#sleptAt === null;
  }

  trusted(): Promise<Outcome> {
    const brokenAt = this.#brokenAt;
    this.#brokenAt = null;
    if (this.#sleptAt !== null) return this.#wait(this.#sleptAt);
    return brokenAt === null ? this.#allRead() : this.#answeredOrBurstOver(brokenAt);
  }

  beforeResume(cause: LossCause, signal: AbortSignal): Promise<Outcome> | null {
    const now = this.#look();
    if (this.#leaseMs === null || (this.#sleptAt === null && this.#isSafe(cause, now))) {
      return null;
    }
    return this.#answeredOrGivenUp(now, signal);
  }

  close(): void {
    this.#stopLooking?.();
    this.#stopLooking = null;
    this.#settle(Infinity, 'timedOut');
  }

  #isSafe(cause: LossCause, now: number): boolean {
    return now <= this.#until ? cause !== 'displaced' : cause === 'attached';
  }

  /** The time now, and whether it went on without us. */
  #look(): number {
    const now = this.#clock.now();
    if (this.#leaseMs !== null && now > this.#until && now - this.#lookedAt > LONGEST_NAP_MS) {
      this.#sleptAt ??= now;
    }
    this.#lookedAt = now;
    return now;
  }

  #wait(since: number): Promise<Outcome> {
    const answer = new Promise<Outcome>((settle) => {
      this.#waiters.add({ since, settle });
    });
    if (this.#patience === null) {
      void this.#loseHope(new AbortController());
    }
    this.#ask();
    return answer;
  }

  #allRead(): Promise<Outcome> {
    return new Promise((resolve) => {
      const read = (left: number): void => {
        const before = this.#late;
        this.#clock.afterReading(() => {
          if (this.#late === before || left === 1) resolve('confirmed');
          else read(left - 1);
        });
      };
      read(MOST_READINGS);
    });
  }

  #answeredOrBurstOver(since: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        since,
        settle: (outcome) => {
          cancel();
          resolve(outcome);
        },
      };
      const cancel = this.#clock.after(BURST_MS, () => {
        this.#waiters.delete(waiter);
        resolve('confirmed');
      });
      this.#waiters.add(waiter);
      this.#ask();
    });
  }

  async #answeredOrGivenUp(since: number, signal: AbortSignal): Promise<Outcome> {
    const left = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    signal.throwIfAborted();
    return Promise.race([this.#wait(since), left]);
  }

  /** One patience for all who wait. */
  async #loseHope(patience: AbortController): Promise<void> {
    this.#patience = patience;
    const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#timedOut, 10));
    let due: number;
    do {
      due = this.#clock.now() + ms;
      try {
        await delay(this.#clock, ms, patience.signal);
      } catch {
        return;
      }
      // Who sleeps does not listen: then it is waited for anew.
    } while (this.#look() - due > LONGEST_NAP_MS);
    this.#timedOut += 1;
    this.#sleptAt = null;
    this.#settle(Infinity, 'timedOut');
  }

  /** Those who asked no later than this. */
  #settle(since: number, outcome: Outcome): void {
    for (const waiter of this.#waiters) {
      if (waiter.since <= since) {
        this.#waiters.delete(waiter);
        waiter.settle(outcome);
      }
    }
    if (this.#waiters.size === 0) {
      this.#patience?.abort();
      this.#patience = null;
    }
  }
}
