/** Figures and times as people read them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `340 ms`, `12 s`, `4 min`, `3 h 20 min`, `2 d 4 h`. */
export function span(ms: number): string {
  const of = Math.max(0, ms);
  if (of < SECOND) return `${of < 10 ? Number(of.toFixed(1)) : Math.round(of)} ms`;
  if (of < 10 * SECOND) return `${(of / SECOND).toFixed(1).replace(/\.0$/, '')} s`;
  if (of < 2 * MINUTE) return `${Math.round(of / SECOND)} s`;
  if (of < 2 * HOUR) return `${Math.round(of / MINUTE)} min`;
  const [large, small, unit, of2] = of < 2 * DAY ? [HOUR, MINUTE, 'h', 'min'] : [DAY, HOUR, 'd', 'h'];
  const whole = Math.floor(of / large);
  const rest = Math.floor((of % large) / small);
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${of2}`;
}

/** Whole seconds, for what is told every second. */
export function seconds(ms: number): string {
  return ms < 2 * MINUTE ? `${Math.max(0, Math.round(ms / SECOND))} s` : span(ms);
}

/** `5,000`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** `12 shards`, `1 shard`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export function bytes(value: number): string {
  if (value < 1e6) return `${Math.round(value / 1e3)} kB`;
  return value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

/** Events a second. */
export function rate(value: number): string {
  if (value < 10) return value.toFixed(1).replace(/\.0$/, '');
  return value < 10_000 ? count(value) : `${(value / 1e3).toFixed(1)} k`;
}

/** `14:05:09`, by the clock of the reader. */
export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** `1 Dec, 14:05`. */
export function dayTime(at: number): string {
  return new Date(at).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}

/** `0-3, 7`. */
export function ranges(shards: readonly number[]): string {
  const sorted = [...shards].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length;) {
    let end = at;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end += 1;
    parts.push(end === at ? `${sorted[at]}` : `${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(', ');
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const of = (part / whole) * 100;
  return `${of > 99 && of < 100 ? (Math.floor(of * 10) / 10).toFixed(1) : Math.round(of)} %`;
}
