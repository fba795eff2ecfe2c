/**
 * The identify limit ("Gateway: Rate Limiting", "Max Concurrency"; the key: discord-api-docs#1621): each key `shard_id % max_concurrency`
 * admits one IDENTIFY per window (5 s at Discord). One that comes too early is refused with op 9 (#1328), and does not move the window (our reading).
 */
import type { Ms } from '@dshard/transport';

export type IdentifyWindows = {
  readonly maxConcurrency: number;
  readonly windowMs: number;
  /** Per key: when the next IDENTIFY is welcome. */
  readonly opensAt: Map<number, Ms>;
};

export function createIdentifyWindows(maxConcurrency: number, windowMs: number): IdentifyWindows {
  return { maxConcurrency, windowMs, opensAt: new Map() };
}

/** Admits the IDENTIFY of `shard` and closes its window, or says how much too early it is. */
export function enterIdentifyWindow(
  windows: IdentifyWindows,
  shard: number,
  now: Ms,
): { admitted: true } | { admitted: false; earlyMs: number } {
  const key = shard % windows.maxConcurrency;
  const opensAt = windows.opensAt.get(key) ?? now;
  if (now < opensAt) return { admitted: false, earlyMs: opensAt - now };
  windows.opensAt.set(key, now + windows.windowMs);
  return { admitted: true };
}
