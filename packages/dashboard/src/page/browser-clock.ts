/** The clock of a page. Only this file touches the browser's timers; everything else takes what is here. */

/** Milliseconds that only grow. */
export function monotonicMs(): number {
  return performance.now();
}

export function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

export function every(ms: number, callback: () => void): () => void {
  const timer = setInterval(callback, ms);
  return () => clearInterval(timer);
}
