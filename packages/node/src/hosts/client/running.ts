/** What runs under a client that `orchestrated()` was given. */
import type { DshardNode } from '../../node-api.js';

type Running = { readonly node: DshardNode; readonly host: { readonly isRedelivering: boolean } };

const running = new WeakMap<object, Running>();

export function nowRuns(client: object, what: Running): void {
  running.set(client, what);
}

/** The node of an orchestrated client that has connected, or null: its status, its shards, `fleet`, `close()`. */
export function nodeOf(client: object): DshardNode | null {
  return running.get(client)?.node ?? null;
}

/**
 * Whether the event that is being told may have been handled before, by a node that died: it came after the last checkpoint. To be
 * asked at the beginning of a listener, before anything is awaited.
 */
export function isRedelivered(client: object): boolean {
  return running.get(client)?.host.isRedelivering ?? false;
}
