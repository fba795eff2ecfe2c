/** An entry of the event history, and what may be read off one that comes from a file. */
import type { HistoryEntry } from '../answers/answer.js';

/** As `GET /v1/events` gives it. `at`: Unix milliseconds. Names of a later version say nothing to the checks. */
export type TraceEntry = { id: number; at: number; name: string; text: string; fields: HistoryEntry['fields'] };

/** The names that say something to the checks. */
export type TracedName =
  | 'orchestratorStarted'
  | 'shardsAssigned'
  | 'shardRunning'
  | 'shardStopped'
  | 'shardQuarantined'
  | 'nodeJoined'
  | 'nodeGone'
  | 'migrationStarted'
  | 'migrationCompleted'
  | 'migrationFailed'
  | 'identifyGranted'
  | 'operationStarted'
  | 'operationEnded'
  | 'alarmRaised'
  | 'alarmCleared';

/** Throws an Error whose message is the rest of a sentence that begins with what the entry is. */
export function traceEntry(value: unknown): TraceEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('is no object');
  const { id, at, name, text, fields } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(id) || Number(id) < 0) throw new Error('has no id, a whole number');
  if (typeof at !== 'number' || !Number.isFinite(at)) throw new Error('has no at, a time in milliseconds');
  if (typeof name !== 'string' || name === '') throw new Error('has no name');
  if (typeof text !== 'string') throw new Error('has no text');
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('has no fields');
  return { id: Number(id), at, name, text, fields: fields as HistoryEntry['fields'] };
}

/** The fields of one entry, by type: a field of another type is as good as none. */
export class Facts {
  readonly #fields: HistoryEntry['fields'];

  constructor({ fields }: Pick<TraceEntry, 'fields'>) {
    this.#fields = fields;
  }

  number(name: string): number | null {
    const value = this.#fields[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  }

  text(name: string): string | null {
    const value = this.#fields[name];
    return typeof value === 'string' ? value : null;
  }

  /** It is there, and says no. */
  isFalse(name: string): boolean {
    return this.#fields[name] === false;
  }

  flag(name: string): boolean {
    return this.#fields[name] === true;
  }

  numbers(name: string): readonly number[] {
    const value = this.#fields[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'number') : [];
  }
}
