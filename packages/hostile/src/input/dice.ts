/** Chance, from a seed: the same seed, door and number make the same input, whatever came before. */
import { seededRandom, type Random } from '@dshard/transport';

/** What programs trip over, in texts. */
const NASTY_TEXTS = [
  '',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u009b31m',
  '\u202eevil\u2066',
  'zero\u200bwidth\ufeff',
  'line\r\nfeed\u2028sep',
  '\u0000',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '%s%n%d{0}${x}',
  "' OR 1=1 --",
  'NaN',
  '-1',
  '1e999',
  '9'.repeat(400),
  'x'.repeat(5_000),
  'ws://127.0.0.1:9/',
  'wss://gateway.discord.gg.evil.example/',
  'wss://user:secret@gateway.discord.gg/',
  '🦀'.repeat(100),
] as const;

const NASTY_NUMBERS = [
  -1,
  0,
  1,
  0.5,
  -0,
  255,
  256,
  65_536,
  99_999,
  100_000,
  262_144,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
  1e300,
  Number.NaN,
  Number.POSITIVE_INFINITY,
] as const;

export class Dice {
  readonly #random: Random;

  constructor(seed: number, door: string, index: number) {
    let mixed = seed >>> 0;
    for (const character of `${door} ${index}`) mixed = Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 0x0100_0193);
    this.#random = seededRandom(mixed);
    // The first numbers of near seeds are near each other.
    for (let skipped = 0; skipped < 4; skipped += 1) this.#random.next();
  }

  /** From 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('There is nothing to pick from.');
    return item;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  text(): string {
    return this.chance(0.7) ? this.pick(NASTY_TEXTS) : String.fromCharCode(...this.bytes(this.below(40)));
  }

  /** A text as it stands in a URL. */
  inUrl(): string {
    return encodeURIComponent(
      this.text()
        .slice(0, 100)
        .replaceAll(/\p{Cs}/gu, '?'),
    );
  }

  number(): number {
    return this.chance(0.8) ? this.pick(NASTY_NUMBERS) : this.below(1_000);
  }

  /** Any value that MessagePack and JSON have a form for. */
  value(depth = 0): unknown {
    const kind = this.below(depth > 3 ? 5 : 9);
    switch (kind) {
      case 0:
        return null;
      case 1:
        return this.chance(0.5);
      case 2:
      case 3:
        return this.number();
      case 4:
        return this.text();
      case 5:
        return Array.from({ length: this.below(5) }, () => this.value(depth + 1));
      case 6:
        return Array.from({ length: this.pick([100, 1_000, 5_000]) }, () => 0);
      case 7:
        return nested(this.pick([5, 40, 200]));
      default:
        return Object.fromEntries(
          Array.from({ length: this.below(4) }, () => [this.text().slice(0, 40), this.value(depth + 1)]),
        );
    }
  }
}

function nested(depth: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}
