/**
 * What a leader before this one may hold still: the lock of the data directory, the ports. Whoever was stopped for
 * longer than its lease has them until it wakes up, notices that it was superseded, and lets go. For so long they are
 * waited for; what somebody else holds is not. Who has waited as a standby also waits a moment for other standbys on
 * its host, which answer at its ports until they have seen who leads.
 */
import { messageOf } from '@dshard/protocol';
import { delay, parseAddress, TransportError, type Address, type Clock, type Logger } from '@dshard/transport';
import { OrchestratorError } from '../errors.js';
import { who, type Leadership, type Liveness } from './leadership.js';

const LOOK_AGAIN_MS = 500;
const SAY_AGAIN_MS = 30_000;
/** Standbys look every second. */
const STANDBYS_LET_GO_MS = 5_000;

/** The process that listens on a port of this machine; null: it cannot be known. */
type ListenerOn = (port: number) => { pid: number } | null;

export type SuccessionOptions = {
  leadership: Leadership;
  clock: Clock;
  logger: Logger;
  liveness: Liveness;
  listenerOn: ListenerOn;
  /** Ends the wait; what it says is what `take` rejects with. */
  signal?: AbortSignal;
};

export class Succession {
  readonly #options: SuccessionOptions;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /**
   * Takes it, as soon as the leader before has let it go. Keeps our lease meanwhile. Rejects with what `take` says when
   * it is not that leader who holds it, and with `DSO_LEADERSHIP_LOST`. @param address what it listens on, if it does.
   */
  async take<T>(take: () => Promise<T>, address: Address | null = null): Promise<T> {
    const { leadership, clock, logger, signal } = this.#options;
    let saidAt = Number.NEGATIVE_INFINITY;
    const begunAt = clock.now();
    for (;;) {
      signal?.throwIfAborted();
      // Looked at before: one that dies in between leaves everything to the next attempt.
      const wasAlive = this.#predecessorLives();
      try {
        return await take();
      } catch (error) {
        const isStandbys = leadership.hasWaited && clock.now() - begunAt < STANDBYS_LET_GO_MS;
        const isLeaders = wasAlive && !this.#isStrangers(address);
        if (!isTaken(error) || !(isStandbys || isLeaders)) throw error;
        if (isLeaders && clock.now() - saidAt >= SAY_AGAIN_MS) {
          saidAt = clock.now();
          logger.warn({ leader: this.#options.leadership.predecessor?.id }, this.#sentence(error));
        }
      }
      await this.#renew();
      await delay(clock, LOOK_AGAIN_MS, signal).catch(() => undefined);
    }
  }

  #predecessorLives(): boolean {
    const { leadership, liveness } = this.#options;
    return leadership.predecessor !== null && liveness(leadership.predecessor) === 'alive';
  }

  #isStrangers(address: Address | null): boolean {
    const { leadership, listenerOn } = this.#options;
    const listener = address === null ? null : listenerOn(parseAddress(address).port);
    return listener !== null && listener.pid !== leadership.predecessor?.pid;
  }

  async #renew(): Promise<void> {
    const { leadership, clock } = this.#options;
    const { store, epoch, leaseMs } = leadership;
    const renewed = await store.renew(epoch, { now: clock.monotonicMs(), ttlMs: leaseMs });
    if (!renewed.ok && renewed.reason === 'staleLeader') {
      throw new OrchestratorError('DSO_LEADERSHIP_LOST', `${renewed.message} This orchestrator did not begin.`);
    }
  }

  #sentence(error: unknown): string {
    const { predecessor } = this.#options.leadership;
    if (predecessor === null) return messageOf(error);
    return (
      `${who(predecessor)} stood still for longer than its lease, was superseded, and has not let go of everything yet: ` +
      `${messageOf(error)} It does so when it wakes up, and this one goes on then. If it does not wake up: kill -9 ${predecessor.pid}.`
    );
  }
}

function isTaken(error: unknown): boolean {
  if (error instanceof TransportError) return error.code === 'DSO_PORT_TAKEN';
  return (
    error instanceof OrchestratorError && (error.code === 'DSO_ADDRESS_TAKEN' || error.code === 'DSO_DATA_DIR_LOCKED')
  );
}
