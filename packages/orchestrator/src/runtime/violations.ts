/**
 * What peers do wrong: refused connections, broken rules, messages that do not fit. Everything is counted. Told, in
 * log and history alike, is the first of a reason, and then one line a minute that sums up; over all addresses so many
 * lines a minute and no more. So somebody who hammers at the port fills neither the log nor the history.
 *
 * Who is refused waits for the close, longer each time, and so cannot try again at once: peers of the base level
 * connect again as soon as they are closed. Addresses are forgotten some quiet minutes later.
 */
import { AUTOMATIC, type Effect, type HistoryEntry } from '../domain/state/effects.js';
import { parseAddress, type Cancel, type Clock, type ConnectionEnd } from '@dshard/transport';
import type { History } from './history.js';

const MINUTE_MS = 60_000;
const MAX_LINES_A_MINUTE = 60;
/** Beyond, all others are one. */
const MAX_SOURCES = 1_024;
const OTHERS = 'other addresses';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;

/** How long a peer waits for the close that was refused so often. */
export function closeDelayMs(refusals: number): number {
  return refusals === 0 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(refusals - 1, 16));
}

/** An address without its port; of IPv6 the network, of which one host has as many addresses as it likes. */
export function sourceOf(remote: string): string {
  const host = hostOf(remote);
  return host.includes(':') && host !== '::1' && !host.startsWith('::ffff:')
    ? `${host.split(':').slice(0, 4).join(':')}::/64`
    : host;
}

function hostOf(remote: string): string {
  try {
    return parseAddress(remote).host;
  } catch {
    return remote;
  }
}

function isViolation({ name }: HistoryEntry): boolean {
  return name === 'nodeRefused' || name === 'protocolViolation';
}

/** What peers do wrong is told, in bounds, and not made durable. */
export function isToCommit(effect: Effect): effect is Extract<Effect, { kind: 'record' }> {
  return effect.kind === 'record' && !isViolation(effect.entry);
}

type Source = {
  refusals: number;
  /** Since the last line, by reason. */
  untold: Map<string, number>;
  /** The last sentence that was not told. */
  last: string;
  isQuiet: boolean;
};

export class Violations {
  readonly #clock: Clock;
  readonly #history: History;
  readonly #counts = new Map<string, number>();
  readonly #sources = new Map<string, Source>();
  #linesLeft = MAX_LINES_A_MINUTE;
  #cancelMinute: Cancel | null = null;

  constructor(clock: Clock, history: History) {
    this.#clock = clock;
    this.#history = history;
  }

  /** A peer was refused, or broke a rule, and is closed for it. @returns how long it waits for the close. */
  closed(remote: string, end: ConnectionEnd): number {
    this.tell(sourceOf(remote), end.code, {
      name: 'protocolViolation',
      level: 'warn',
      text: `The connection from ${remote} was closed: ${end.message}`,
      by: AUTOMATIC,
      fields: { remote, code: end.code, total: (this.#counts.get(end.code) ?? 0) + 1 },
    });
    return this.delayOf(remote);
  }

  /** One more refusal of this address. @returns how long the peer waits for the close. */
  delayOf(remote: string): number {
    const source = this.#source(sourceOf(remote));
    source.refusals += 1;
    source.isQuiet = false;
    return closeDelayMs(source.refusals);
  }

  /** What the domain says of a peer's fault. False: the entry is about something else. */
  takes(entry: HistoryEntry): boolean {
    if (!isViolation(entry)) return false;
    const { node, remote, code, message } = entry.fields;
    const from = entry.name === 'nodeRefused' ? sourceOf(String(remote)) : `Node ${String(node)}`;
    this.tell(from, String(code ?? message ?? entry.name), entry);
    return true;
  }

  /** @param from an address, or the node whose fault it is. */
  tell(from: string, reason: string, entry: HistoryEntry): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const source = this.#source(from);
    source.isQuiet = false;
    const untold = source.untold.get(reason);
    source.untold.set(reason, (untold ?? 0) + 1);
    source.last = entry.text;
    if (untold !== undefined || this.#linesLeft === 0) return;
    this.#linesLeft -= 1;
    source.untold.set(reason, 0);
    this.#history.recordStranger(entry);
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  close(): void {
    this.#cancelMinute?.();
    this.#cancelMinute = null;
  }

  #source(name: string): Source {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    if (this.#sources.size >= MAX_SOURCES && name !== OTHERS) return this.#source(OTHERS);
    const source: Source = { refusals: 0, untold: new Map(), last: '', isQuiet: false };
    this.#sources.set(name, source);
    this.#cancelMinute ??= this.#clock.after(MINUTE_MS, () => this.#minuteOver());
    return source;
  }

  #minuteOver(): void {
    this.#cancelMinute = null;
    this.#linesLeft = MAX_LINES_A_MINUTE;
    for (const [name, source] of this.#sources) {
      this.#sumUp(name, source);
      source.untold.clear();
      if (source.isQuiet) source.refusals = Math.floor(source.refusals / 2);
      if (source.isQuiet && source.refusals === 0) this.#sources.delete(name);
      source.isQuiet = true;
    }
    if (this.#sources.size > 0) this.#cancelMinute = this.#clock.after(MINUTE_MS, () => this.#minuteOver());
  }

  #sumUp(name: string, { untold, last }: Source): void {
    const reasons = [...untold].filter(([, count]) => count > 0);
    const total = reasons.reduce((sum, [, count]) => sum + count, 0);
    if (total === 0 || this.#linesLeft === 0) return;
    this.#linesLeft -= 1;
    const each = reasons.map(([reason, count]) => `${reason} ${count}`).join(', ');
    this.#history.recordStranger({
      name: 'protocolViolation',
      level: 'warn',
      text: `${name}: ${total} more within a minute (${each}). The last: ${last}`,
      by: AUTOMATIC,
      fields: { from: name, total, reasons: reasons.map(([reason]) => reason) },
    });
  }
}
