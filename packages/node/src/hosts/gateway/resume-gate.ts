/** Whether the session of one shard may be resumed: how its last connection ended, and what the node knows of its tenancy. */
import type { LossCause, Tenancy } from '../../tenancy.js';
import type { ShardCursor } from './shard-cursor.js';

export type ResumeGateOptions = {
  cursor: ShardCursor;
  /** Absent: the session is always ours. */
  tenancy: Tenancy | undefined;
  /** Another node may have had the session meanwhile: what is replayed is to be marked. */
  contested: () => void;
  /** Aborts when the shard stops. */
  stopped: AbortSignal;
};

export class ResumeGate {
  readonly #given: ResumeGateOptions;
  /** A session that was just given to us is ours. */
  #lost: LossCause = 'attached';

  constructor(given: ResumeGateOptions) {
    this.#given = given;
  }

  connectionEnded(cause: LossCause): void {
    this.#lost = cause;
  }

  /** Before a connection is made. null: at once. Never resolves when the shard is stopped meanwhile. */
  beforeConnecting(): Promise<void> | null {
    return (
      this.#pass(this.#lost)?.then(() => {
        this.#lost = 'attached';
      }) ?? null
    );
  }

  /** Before RESUME is sent on it: the process may have slept since. */
  beforeResuming(): Promise<void> | null {
    return this.#pass('attached');
  }

  #pass(cause: LossCause): Promise<void> | null {
    const { cursor, tenancy, stopped, contested } = this.#given;
    if (cursor.current === null) return null;
    if (cause === 'displaced') contested();
    const wait = tenancy?.beforeResume(cause, stopped) ?? null;
    if (wait === null) return null;
    return wait.then(
      (outcome) => (outcome === 'unheard' ? contested() : undefined),
      () => forever(),
    );
  }
}

/** For those whom nothing is to be answered any more. */
export function forever(): Promise<never> {
  return new Promise(() => undefined);
}
