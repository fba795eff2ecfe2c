/** What a simulated library asks its node before it goes on: leave to IDENTIFY, and whether its session is its own. */
import type { IdentifyPermit, LossCause } from '@dshard/node';
import type { SimShardOptions } from './sim-shard-options.js';

/** null: nobody is to be asked. `over`: the attempt is, or the node leaves. */
export async function permitFor(
  { behaviour, context, shardId, paceLocally }: SimShardOptions,
  signal: AbortSignal,
): Promise<IdentifyPermit | null | 'over'> {
  if (!behaviour.asksForPermits) return null;
  let permit: IdentifyPermit | null = null;
  try {
    permit = await context.requestIdentify(shardId, signal);
    if (!permit.coordinated) await paceLocally(signal);
    signal.throwIfAborted();
    return permit;
  } catch {
    permit?.finished(false);
    return 'over';
  }
}

/** null: at once. Rejects when the attempt is over. */
export function beforeResume(
  { behaviour, context }: SimShardOptions,
  cause: LossCause,
  signal: AbortSignal,
): Promise<'confirmed' | 'unheard'> | null {
  return behaviour.asksBeforeItResumes ? (context.tenancy?.beforeResume(cause, signal) ?? null) : null;
}

/** Whether events may go to user code now. */
export function isTrusted({ behaviour, context }: SimShardOptions): boolean {
  return !behaviour.looksAtTheClock || context.tenancy?.mayHandOver() !== false;
}
