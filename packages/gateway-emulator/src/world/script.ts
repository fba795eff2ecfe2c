/**
 * Traffic by the book: events at times of their own, from a file of JSON lines `{ "at": ms, "event": { "t", "d",
 * "guildId"?, "intents"? } }`. The guild is that of `guildId` or of `d.guild_id`; without one the event goes to shard
 * 0. Which intents it needs follows from its type. A recording of the traffic has the same form.
 */
import type { Cancel, Clock } from '@dshard/transport';
import type { TrafficEvent } from '../core/dispatch.js';
import { EmulatorError } from '../errors.js';
import { intentsOf } from './event-intents.js';
import { routeOf, type SnowflakeSource } from './snowflakes.js';

export type ScriptLine = {
  /** Milliseconds since the start of the script. */
  at: number;
  t: string;
  json: string;
  /** The `id` of `d`, when it has one: the event is booked under it. */
  id: string | null;
  route: number | null;
  intents: number;
};

/** Reads a script, in the order of its times. Throws `DSO_EMULATOR_BAD_SCRIPT` with the number of the line. */
export function parseScript(text: string): ScriptLine[] {
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 }));
  return lines
    .filter(({ line }) => line !== '' && !line.startsWith('//'))
    .map(({ line, number }) => readLine(line, number))
    .sort((one, other) => one.at - other.at);
}

/** One line of a script. */
export function scriptLine(at: number, event: TrafficEvent): string {
  return `{"at":${Math.round(at)},"event":{"t":"${event.type}","intents":${event.intents},"d":${event.json}}}`;
}

export class ScriptPlayer {
  readonly #lines: readonly ScriptLine[];
  readonly #clock: Clock;
  readonly #nextId: SnowflakeSource;
  readonly #emit: (event: TrafficEvent) => void;
  #next = 0;
  #cancel: Cancel | null = null;

  constructor(init: {
    lines: readonly ScriptLine[];
    clock: Clock;
    nextId: SnowflakeSource;
    emit: (event: TrafficEvent) => void;
  }) {
    this.#lines = init.lines;
    this.#clock = init.clock;
    this.#nextId = init.nextId;
    this.#emit = init.emit;
  }

  /** Events that are still to come. */
  get remaining(): number {
    return this.#lines.length - this.#next;
  }

  /** From the beginning. */
  start(): void {
    this.stop();
    this.#next = 0;
    this.#play(this.#clock.monotonicMs());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #play(startedAt: number): void {
    const elapsed = this.#clock.monotonicMs() - startedAt;
    let line = this.#lines[this.#next];
    while (line !== undefined && line.at <= elapsed) {
      const { t: type, json, route, intents } = line;
      this.#emit({ id: line.id ?? this.#nextId(this.#clock.now()), type, json, route, intents });
      this.#next += 1;
      line = this.#lines[this.#next];
    }
    this.#cancel = line === undefined ? null : this.#clock.after(line.at - elapsed, () => this.#play(startedAt));
  }
}

function readLine(text: string, number: number): ScriptLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badScript(number, 'it is not JSON', cause);
  }
  const { at, event } = objectOf(value) ?? {};
  if (typeof at !== 'number' || !Number.isFinite(at) || at < 0)
    throw badScript(number, '"at" must be a number from 0 on');
  const { t, d, guildId, intents } = objectOf(event) ?? {};
  if (typeof t !== 'string' || t === '') throw badScript(number, '"event.t" must be the type of an event');
  const data = objectOf(d);
  if (data === null) throw badScript(number, '"event.d" must be an object');
  if (intents !== undefined && !Number.isSafeInteger(intents))
    throw badScript(number, '"event.intents" must be an integer');
  const guild = guildId ?? data['guild_id'] ?? null;
  if (guild !== null && (typeof guild !== 'string' || !/^\d{1,20}$/.test(guild))) {
    throw badScript(number, 'the guild must be an id, a string of digits');
  }
  return {
    at,
    t,
    json: JSON.stringify(data),
    id: typeof data['id'] === 'string' && t === 'MESSAGE_CREATE' ? data['id'] : null,
    route: guild === null ? null : routeOf(guild),
    intents: intents === undefined ? intentsOf(t, guild !== null) : Number(intents),
  };
}

function objectOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function badScript(line: number, problem: string, cause?: unknown): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_SCRIPT', `Line ${line} of the script cannot be used: ${problem}.`, {
    cause,
  });
}
