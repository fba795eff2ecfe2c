/**
 * Becoming the one orchestrator that acts on a store.
 *
 *     nobody leads, or the leader is known dead   → we lead
 *     the leader lives                            → refused, in a sentence that names it; a standby waits
 *     it cannot be known (another host)           → its lease is watched: renewed, it lives; run out, we lead
 *
 * A standby looks every second, and at once when the store says that something changed.
 */
import { delay } from '@dshard/transport';
import type { Clock, Logger } from '@dshard/transport';
import { OrchestratorError } from '../errors.js';
import type { AcquireResult, Acquired, Leader, LeaderIdentity, StateStore } from '../ports/state-store.js';

/** How long others keep off without hearing from the leader. */
export const LEASE_MS = 10_000;
const LOOK_AGAIN_MS = 1_000;

export type Leadership = {
  store: StateStore;
  epoch: number;
  before: Acquired['before'];
  /** Our lease, by our clock. */
  leaseUntil: number;
};

export type LeadOptions = {
  identity: LeaderIdentity;
  standby: boolean;
  clock: Clock;
  logger: Logger;
  /** What is known of the process of another leader. */
  liveness: (leader: Leader) => 'alive' | 'dead' | 'unknown';
  /** Ends the wait of a standby. */
  signal?: AbortSignal;
};

/** Rejects with `DSO_STORE_LED`, `DSO_STORE_UNUSABLE`, or what the signal says. */
export async function lead(store: StateStore, options: LeadOptions): Promise<Leadership> {
  const { clock, logger, standby, liveness, signal } = options;
  /** The lease of the other one as it was when we first saw it. */
  let seen: { id: string; leaseUntil: number } | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const now = clock.now();
    const result: AcquireResult = await store.acquire(options.identity, {
      now,
      ttlMs: LEASE_MS,
      isDead: (leader) => liveness(leader) === 'dead',
    });
    if (result.ok) {
      if (seen !== null) logger.info({ store: store.name, epoch: result.epoch }, `This orchestrator leads now.`);
      return { store, epoch: result.epoch, before: result.before, leaseUntil: now + LEASE_MS };
    }
    if (result.reason !== 'led') throw new OrchestratorError('DSO_STORE_UNUSABLE', result.message);
    const { leader } = result;
    const isRenewed = seen?.id === leader.id && leader.leaseUntil > seen.leaseUntil;
    if (!standby && (isRenewed || liveness(leader) === 'alive')) throw led(store, leader);
    if (seen?.id !== leader.id) {
      const wait = standby ? 'This one is its standby' : 'It may be dead, so its lease is watched';
      logger.info(
        { store: store.name, leader: leader.id },
        `${who(leader)} leads on the store ${store.name}. ${wait}.`,
      );
      seen = leader;
    }
    await lookAgain(store, clock, signal);
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

function who({ pid, host, since }: Leader): string {
  return `The orchestrator with process id ${pid} on host ${host}, started ${new Date(since).toISOString()},`;
}

function led(store: StateStore, leader: Leader): OrchestratorError {
  return new OrchestratorError(
    'DSO_STORE_LED',
    `${who(leader)} leads on the store ${store.name}. Stop it, give this one a store of its own (store.path), or let it wait ` +
      `as a standby (--standby, or store.standby).`,
  );
}
