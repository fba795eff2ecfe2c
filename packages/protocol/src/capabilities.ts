/** What both sides of a connection can do. Negotiated, never assumed: a base-level peer names none. */
import { CAPABILITIES, type Capability } from './messages.js';

/** The capabilities that both name, in the order of `CAPABILITIES`. Names that are not known here are ignored. */
export function negotiate(ours: readonly Capability[], theirs: readonly string[]): readonly Capability[] {
  return CAPABILITIES.filter((capability) => ours.includes(capability) && theirs.includes(capability));
}
