/** What the signals of a node mean by themselves, without a comparison. */
import type { NodeSignals } from '@dshard/protocol';

/** What the bot of a node has against itself; null: nothing. */
export function complaintOf(signals: NodeSignals | null): string | null {
  if (signals === null) return null;
  const { selfTest, selfTestReason, health } = signals;
  if (selfTest === 'failed') return `failed its self test: ${selfTestReason ?? 'it gives no reason'}`;
  return health === null || health.ok ? null : `says that it is not well: ${health.reason ?? 'it gives no reason'}`;
}
