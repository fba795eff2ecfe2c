/**
 * Interactions (commands, buttons, modals) of a shard that is taken over from a node that was lost. Discord takes one first answer for each, within
 * 3 s, and the lost node may have given it: what a handler says then is refused ("Interaction has already been acknowledged", "Unknown
 * interaction"), and most bots die of that, on one node after the other. So user code that is not told what may have been handled before
 * does not get them again. See docs/decisions/012-interactions-come-once.md.
 */
import type { Delivery } from '../gateway-shard/timeouts.js';

export function isSpentInteraction({ t }: { readonly t: string | null }, { redelivered }: Delivery): boolean {
  return redelivered && t === 'INTERACTION_CREATE';
}
