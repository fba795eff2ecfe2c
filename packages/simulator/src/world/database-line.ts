/**
 * How orchestrators reach the database, and what becomes of messages on the way. A message arrives, takes effect, and
 * is answered, each a while after the other, and may be lost between any two of them: then nobody knows whether it took
 * effect. In a failover the second host takes over what the first had answered to.
 */
import type { Answer, Connect, DatabaseConnection } from '@dshard/orchestrator';
import { Refused } from '@dshard/orchestrator';
import type { VirtualClock } from '@dshard/testkit';
import type { Draw } from '../random.js';
import type { SimDatabase } from './sim-database.js';
import type { VirtualProcess } from './virtual-process.js';

/** A URL of the cluster, as the store takes it. */
export const DATABASE_URL = 'postgres://sim@db-0:5432,db-1:5432/dso';

const USUAL_MS = 2;
/** Of a commit that waits for the standby, or for a disk. */
const SLOW_MS = 400;
const SLOW_SHARE = 0.03;
/** In a bad hour: longer than anybody waits for an answer. */
const TROUBLED_MS = 3_500;
/** What of the messages of a bad hour goes wrong. */
const TROUBLED_SHARE = 0.5;

type Fate = 'done' | 'arrivesLate' | 'lostBefore' | 'lostAfter' | 'silentAfter' | 'answeredLate';
const FATES = ['arrivesLate', 'lostBefore', 'lostAfter', 'silentAfter', 'answeredLate'] as const;

/** `down`: connections are refused. `silent`: nothing answers. */
type ServerState = 'up' | 'down' | 'silent';

type Open = { lost: (error: Error) => void };

/** It answers the greeting, and takes no writes. */
const STANDBY: DatabaseConnection = {
  query: () => Promise.resolve([[{ standby: true, durable: 'on' }]]),
  end: () => Promise.resolve(),
  destroy: () => undefined,
};

export class DatabaseLine {
  readonly #database: SimDatabase;
  readonly #world: VirtualClock;
  readonly #draw: Draw;
  readonly #open = new Set<Open>();
  readonly #cut = new Set<string>();
  #state: ServerState = 'up';
  /** The host that can be written. */
  #primary = 0;
  /** A bad hour: messages are lost between any two points of their way, or late. */
  isTroubled = false;

  constructor(database: SimDatabase, world: VirtualClock, draw: Draw) {
    this.#database = database;
    this.#world = world;
    this.#draw = draw;
  }

  /** Connections of the host swallow everything, and nobody is told. */
  cut(host: string): void {
    this.#cut.add(host);
  }

  mend(host: string): void {
    this.#cut.delete(host);
  }

  /** An administrator ends all sessions. */
  endConnections(): void {
    for (const open of this.#open) open.lost(new Error('terminating connection due to administrator command'));
  }

  goDown(): void {
    this.#state = 'down';
    this.endConnections();
  }

  goSilent(): void {
    this.#state = 'silent';
  }

  comeBack(): void {
    this.#state = 'up';
  }

  /** The standby has everything that was answered. Connections to the host of before stay as they are: silent. */
  failOver(): void {
    this.#primary = 1 - this.#primary;
    this.#state = 'up';
  }

  /** For the store of a process on a host. */
  connectFrom(host: string, process: VirtualProcess): Connect {
    return async (target, { signal, onLost, onNotice }) => {
      const wanted = target.includes('db-1') ? 1 : 0;
      await this.#travel(process, this.#takes(false), (resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
        if (this.#isSilentFor(host, this.#primary)) return;
        const isThere = wanted === this.#primary || this.#draw.chance(0.5);
        if (this.#state === 'down' || !isThere) reject(new Error('ECONNREFUSED'));
        else resolve();
      });
      if (wanted !== this.#primary) return STANDBY;
      return this.#connection(host, process, { onLost, ...(onNotice && { onNotice }) });
    };
  }

  #connection(
    host: string,
    process: VirtualProcess,
    { onLost, onNotice }: { onLost: () => void; onNotice?: (payload: string) => void },
  ): DatabaseConnection {
    const primary = this.#primary;
    let isOpen = true;
    /** By the server, or on the way: nothing more arrives. */
    let isSevered = false;
    let stopListening = (): void => undefined;
    const waiting = new Set<(error: Error) => void>();
    const close = (): void => {
      isOpen = false;
      stopListening();
      this.#open.delete(open);
    };
    const open: Open = {
      lost: (error) => {
        close();
        isSevered = true;
        if (this.#cut.has(host)) return;
        process.run(() => {
          for (const reject of waiting) reject(error);
          onLost();
        });
      },
    };
    this.#open.add(open);
    const isAnswered = (): boolean => isOpen && !this.#isSilentFor(host, primary);
    return {
      query: (message) => {
        if (onNotice !== undefined && message.startsWith('LISTEN')) {
          stopListening = this.#database.listen(() => {
            if (isAnswered()) process.run(() => onNotice('dso'));
          });
          return Promise.resolve([[]]);
        }
        const fate = this.#fate();
        const arrivesIn = this.#takes(fate === 'arrivesLate');
        return this.#travel<Answer>(process, arrivesIn, (resolve, reject) => {
          // Whoever said it may have given up, or be dead: what is on its way arrives all the same.
          if (isSevered || this.#isSilentFor(host, primary)) return;
          waiting.add(reject);
          if (fate === 'lostBefore') {
            open.lost(new Error('Connection terminated unexpectedly'));
            return;
          }
          const answer = this.#answerTo(message);
          if (fate === 'lostAfter') open.lost(new Error('Connection terminated unexpectedly'));
          if (fate === 'lostAfter' || fate === 'silentAfter') return;
          this.#world.after(this.#takes(fate === 'answeredLate'), () => {
            waiting.delete(reject);
            if (!isAnswered()) return;
            if (answer instanceof Refused) reject(answer);
            else resolve(answer);
          });
        });
      },
      end: async () => close(),
      destroy: close,
    };
  }

  #answerTo(message: string): Answer | Refused {
    try {
      return this.#database.execute(message);
    } catch (error) {
      if (error instanceof Refused) return error;
      throw error;
    }
  }

  #isSilentFor(host: string, primary: number): boolean {
    return this.#cut.has(host) || this.#state === 'silent' || primary !== this.#primary;
  }

  #fate(): Fate {
    if (!this.isTroubled || !this.#draw.chance(TROUBLED_SHARE)) return 'done';
    return this.#draw.pick(FATES) ?? 'done';
  }

  #takes(isLate: boolean): number {
    if (isLate) return this.#draw.between(0, TROUBLED_MS);
    return this.#draw.chance(SLOW_SHARE) ? this.#draw.between(0, SLOW_MS) : this.#draw.between(0, USUAL_MS);
  }

  /** What is said arrives a while later, whatever becomes of whoever said it. */
  #travel<T = void>(
    process: VirtualProcess,
    ms: number,
    arrived: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#world.after(ms, () => {
        arrived(
          (value) => process.run(() => resolve(value)),
          (error) => process.run(() => reject(error)),
        );
      });
    });
  }
}
