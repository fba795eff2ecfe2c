/** Which host a bot process runs on: by the number in its name, so that what is launched anew comes to any of them. */
import { drawFor } from '../random.js';

/** One host, or a few, by the seed. */
export function hostOf(seed: number, name: string): string {
  const hosts = drawFor(seed, 'hosts').pick([1, 2, 3, 3]) ?? 1;
  const number = Number(/\d+/.exec(name)?.[0] ?? 0);
  return `host-${number % hosts}`;
}
