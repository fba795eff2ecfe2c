/**
 * Ids of launched nodes, as the ancestor makes them: a name, then the time in base-36 milliseconds. Ids of one launcher
 * grow, so that two launches in one millisecond, or a clock that goes back, never give the same id twice.
 */
import type { Clock } from '@dshard/transport';

/** The protocol's bound on node ids. */
const MAX_NODE_ID_LENGTH = 128;

/** `taken` says whether a node of an earlier run has the id. */
export function nodeIds(options: { prefix: string; clock: Clock; taken(id: string): boolean }): () => string {
  let last = 0;
  const idOf = (ms: number): string => {
    const suffix = ms.toString(36);
    return `${options.prefix.slice(0, MAX_NODE_ID_LENGTH - suffix.length - 1)}-${suffix}`;
  };
  return () => {
    do last = Math.max(Math.floor(options.clock.now()), last + 1);
    while (options.taken(idOf(last)));
    return idOf(last);
  };
}

/** What may stand in a node id, which is also a file name: everything else becomes a dash. */
export function cleanPrefix(prefix: string): string {
  return prefix.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '') || 'node';
}
