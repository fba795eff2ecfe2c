/** Operator commands under way: each is answered exactly once, at the latest when the orchestrator closes. */
import type { Random } from '@dshard/transport';
import type { CommandError, CommandResult } from '../domain/state/commands.js';

/** Ids of one run differ from those of any other, so that lines of two runs in one log are not taken for each other. */
export function drawRunId(random: Random): string {
  return Math.floor(random.next() * 36 ** 6)
    .toString(36)
    .padStart(6, '0');
}

export class Requests {
  readonly #runId: string;
  readonly #waiting = new Map<string, (result: CommandResult) => void>();
  #count = 0;

  /** `runId` makes the ids of this run differ from those of any other. */
  constructor(runId: string) {
    this.#runId = runId;
  }

  open(): { id: string; result: Promise<CommandResult> } {
    const id = `${this.#runId}.r${++this.#count}`;
    const result = new Promise<CommandResult>((resolve) => this.#waiting.set(id, resolve));
    return { id, result };
  }

  /** An answer to a request nobody waits for any more is dropped. */
  answer(id: string, result: CommandResult): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(result);
  }

  refuseAll(error: CommandError): void {
    for (const id of this.#waiting.keys()) this.answer(id, { ok: false, error });
  }
}

/** A promise that is settled from outside. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
