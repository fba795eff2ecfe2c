/**
 * Becoming the one orchestrator that acts on a store.
 *
 *     nobody leads, or the leader is known dead   → we lead
 *     the leader lives                            → refused, in a sentence that names it; a standby waits
 *     it stands still, or cannot be known         → its lease is watched: renewed, it lives; not renewed for as long as a lease
 *                                                   lasts, we lead
 *
 * A standby looks every second, and at once when the store says that something changed. It goes on looking when the
 * store cannot be read for a while. All times are monotonic: a clock that is set makes nobody a leader. A leader whose
 * process lives is never succeeded by what the store says alone, for the store may be an old copy: its lease has to
 * stand still before our eyes. Where a lease is measured by the clock of a database, which somebody may set, that the
 * lease is over does not do either: two renewals have to fail to come before our eyes.
 */
import { delay, type Clock, type Logger } from '@dshard/transport';
import { OrchestratorError } from '../errors.js';
import type {
  AcquireResult,
  Acquired,
  Leader,
  LeaderIdentity,
  StateStore,
  StoreFailure,
} from '../ports/state-store.js';

/** How long others keep off without hearing from the leader. */
export const LEASE_MS = 10_000;
const LOOK_AGAIN_MS = 1_000;

export function renewEveryMs(leaseMs: number): number {
  return leaseMs / 5;
}

/** How long a leader acts without having renewed its lease: it stops before others may start. */
export function localLeaseMs(leaseMs: number): number {
  return (leaseMs * 4) / 5;
}

export type Leadership = Pick<Acquired, 'epoch' | 'before' | 'predecessor' | 'aheadMs'> & {
  store: StateStore;
  leaseMs: number;
  /** Our lease, by our monotonic time. */
  leaseUntil: number;
  /** Somebody else led when it began. */
  hasWaited: boolean;
};

export type Liveness = (leader: Leader) => 'alive' | 'dead' | 'unknown';

export type LeadOptions = {
  identity: LeaderIdentity;
  standby: boolean;
  /** How long others keep off without hearing from us. */
  leaseMs?: number;
  clock: Clock;
  logger: Logger;
  /** What is known of the process of another leader. */
  liveness: Liveness;
  /** A standby saw who leads, once more; the next look is taken when this is done. */
  onLed?: (leader: Leader) => Promise<void>;
  /** Ends the wait of a standby. */
  signal?: AbortSignal;
};

/** Rejects with `DSO_STORE_LED`, `DSO_STORE_UNUSABLE`, or what the signal says. */
export async function lead(store: StateStore, options: LeadOptions): Promise<Leadership> {
  const { clock, logger, standby, liveness, leaseMs = LEASE_MS, signal } = options;
  const watch = new LeaseWatch(clock, leaseMs);
  const mayLive = (leader: Leader): boolean =>
    liveness(leader) === 'alive' || (store.hasOwnClock === true && !watch.missedRenewals(leader));
  const aheadMs = clock.now() - clock.monotonicMs();
  let problem: string | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const now = clock.monotonicMs();
    const result: AcquireResult = await store.acquire(options.identity, {
      now,
      ttlMs: leaseMs,
      aheadMs,
      isDead: (leader) => liveness(leader) === 'dead' || watch.standsStill(leader),
      isAlive: mayLive,
    });
    if (result.ok) {
      if (watch.leader !== null) {
        logger.info({ store: store.name, epoch: result.epoch }, `This orchestrator leads now.`);
      }
      const { epoch, before, predecessor } = result;
      return {
        store,
        epoch,
        before,
        predecessor,
        aheadMs: result.aheadMs,
        leaseMs,
        leaseUntil: now + leaseMs,
        hasWaited: watch.leader !== null,
      };
    }
    if (result.reason === 'led') {
      const { leader, isOver } = result;
      const isKnown = watch.leader?.id === leader.id;
      const isRenewed = watch.look(leader);
      if (!standby && (isRenewed || (liveness(leader) === 'alive' && !isOver))) throw led(store, leader);
      if (!isKnown) {
        const wait = standby ? 'This one is its standby' : 'It may be dead, so its lease is watched';
        logger.info(
          { store: store.name, leader: leader.id },
          `${who(leader)} leads on the store ${store.name}. ${wait}.`,
        );
      }
      problem = null;
      if (standby) await options.onLed?.(leader);
    } else {
      // A standby that ended here would be missing when it is needed.
      if (!standby || watch.leader === null) throw new OrchestratorError('DSO_STORE_UNUSABLE', result.message);
      if (problem !== result.message) logger.warn({ store: store.name }, standbyWaits(result));
      problem = result.message;
    }
    await lookAgain(store, clock, signal);
  }
}

/** What was seen of another leader's lease. */
class LeaseWatch {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  #seen: { leader: Leader; since: number } | null = null;

  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  get leader(): Leader | null {
    return this.#seen?.leader ?? null;
  }

  /** Whether it was renewed since it was looked at last. */
  look(leader: Leader): boolean {
    const before = this.#seen?.leader;
    const isSame = before?.id === leader.id;
    if (isSame && before.leaseUntil === leader.leaseUntil) return false;
    this.#seen = { leader, since: this.#clock.monotonicMs() };
    return isSame && leader.leaseUntil > before.leaseUntil;
  }

  /** Whether it was looked at for as long as a lease lasts, and was not renewed. */
  standsStill(leader: Leader): boolean {
    return this.#unrenewedForMs(leader) >= this.#leaseMs;
  }

  /** Whether it was looked at for as long as two renewals take: somebody may have set the clock of the store. */
  missedRenewals(leader: Leader): boolean {
    return this.#unrenewedForMs(leader) >= 2 * renewEveryMs(this.#leaseMs);
  }

  #unrenewedForMs(leader: Leader): number {
    if (this.#seen === null) return 0;
    const { leader: seen, since } = this.#seen;
    const isSame = seen.id === leader.id && seen.leaseUntil === leader.leaseUntil;
    return isSame ? this.#clock.monotonicMs() - since : 0;
  }
}

async function lookAgain(store: StateStore, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  const woken = new AbortController();
  const wake = (): void => woken.abort();
  const cancel = store.onWake?.(wake);
  signal?.addEventListener('abort', wake, { once: true });
  await delay(clock, LOOK_AGAIN_MS, woken.signal).catch(() => undefined);
  cancel?.();
  signal?.removeEventListener('abort', wake);
}

export function who({ pid, host, since }: Leader): string {
  return `The orchestrator with process id ${pid} on host ${host}, started ${new Date(since).toISOString()},`;
}

function standbyWaits({ message }: StoreFailure): string {
  return `${message} This standby looks again every second.`;
}

function led(store: StateStore, leader: Leader): OrchestratorError {
  return new OrchestratorError(
    'DSO_STORE_LED',
    `${who(leader)} leads on the store ${store.name}. Stop it, give this one a store of its own (store.path), or let it wait ` +
      `as a standby (--standby, or store.standby).`,
  );
}
