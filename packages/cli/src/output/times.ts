/** Spans and sizes: short enough for a column, or for a sentence. */

/** `23 h 59 min`, `4 min`, `30 s`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `850ms`, `12s`, `4m`, `3h12m`, `2d`. */
export function shortSpan(ms: number | null): string {
  if (ms === null) return '-';
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1000) return `${whole}ms`;
  const seconds = Math.floor(whole / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes}m${seconds % 60}s`;
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** `61 MB`. */
export function sizeText(bytes: number | null): string {
  if (bytes === null) return '-';
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e10 ? `${Math.round(bytes / 1e6)} MB` : `${Math.round(bytes / 1e9)} GB`;
}

/** Of the day, as this machine's clock has it: `04:23:43.444`. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `2026-12-01 04:23:43 (12m ago)`. */
export function momentText(at: number, now: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const written = date.toISOString().replace('T', ' ').slice(0, 19);
  return `${written}Z (${at <= now ? `${shortSpan(now - at)} ago` : `in ${shortSpan(at - now)}`})`;
}
