/** Spans of time in sentences, which say how long and not until when: the domain does not know the time of the day. */
const MINUTE_MS = 60_000;

/** `5 h 12 min`; what is over is `0 min`. */
export function inWords(ms: number): string {
  const minutes = Math.max(0, Math.ceil(ms / MINUTE_MS));
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`;
}
