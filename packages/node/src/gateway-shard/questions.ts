/** What a gateway shard asks of its node and of Discord's REST, and the answers, as events. */
import type { LossCause, OwnershipLease } from '../ownership-lease.js';
import type { GatewayShardEvent } from './events.js';

export type QuestionsOptions = {
  /** Absent: the session is always ours. */
  lease: OwnershipLease | undefined;
  /** The generic gateway URL. Never rejects while the shard runs. */
  locate: () => Promise<string>;
  /** Aborts when the shard stops. */
  stopping: AbortSignal;
  answer: (event: GatewayShardEvent) => void;
};

export class Questions {
  readonly #options: QuestionsOptions;
  /** The last question whose the session is. An answer to one of before belongs to an attempt of before. */
  #lease: object | null = null;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  askLease(cause: LossCause): void {
    const { lease, stopping, answer } = this.#options;
    const question = {};
    this.#lease = question;
    const wait = lease?.beforeResume(cause, stopping) ?? null;
    if (wait === null) return answer({ kind: 'lease', outcome: 'confirmed' });
    wait.then(
      (outcome) => {
        if (this.#lease === question) answer({ kind: 'lease', outcome });
      },
      () => undefined,
    );
  }

  askTrust(): void {
    const { lease, answer } = this.#options;
    void lease?.trusted().then((outcome) => answer({ kind: 'trust', outcome }));
  }

  locate(): void {
    const { locate, answer } = this.#options;
    locate().then(
      (url) => answer({ kind: 'located', url }),
      () => undefined,
    );
  }
}
