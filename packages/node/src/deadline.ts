import type { Clock } from '@dshard/transport';
import { NodeError } from './errors.js';

/** `what` names the call and `limit` the option that bounds it, for the error. */
export type Deadline = { what: string; ms: number; limit: string };

/** `work`, or `DSO_HOST_TIMEOUT` when it takes longer. What becomes of it afterwards is nobody's business. */
export async function withinDeadline<T>(clock: Clock, work: Promise<T>, { what, ms, limit }: Deadline): Promise<T> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => {
      reject(new NodeError('DSO_HOST_TIMEOUT', `The host did not finish ${what} within ${ms} ms (${limit}).`));
    });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
