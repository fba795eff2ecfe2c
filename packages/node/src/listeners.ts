/** A small typed event map. A listener that throws is reported and never breaks the machine that emits. */
export type EventMap = Record<string, unknown>;

export class Listeners<M extends EventMap> {
  readonly #byName = new Map<keyof M, Set<(value: never) => void>>();
  readonly #onThrow: (event: string, error: unknown) => void;

  constructor(onThrow: (event: string, error: unknown) => void) {
    this.#onThrow = onThrow;
  }

  /** Returns the function that takes the listener off again. */
  on<K extends keyof M & string>(event: K, listener: (value: M[K]) => void): () => void {
    const listeners = this.#byName.get(event) ?? new Set();
    this.#byName.set(event, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  has(event: keyof M): boolean {
    return (this.#byName.get(event)?.size ?? 0) > 0;
  }

  emit<K extends keyof M & string>(event: K, value: M[K]): void {
    for (const listener of [...(this.#byName.get(event) ?? [])] as ((value: M[K]) => void)[]) {
      try {
        listener(value);
      } catch (error) {
        this.#onThrow(event, error);
      }
    }
  }
}
