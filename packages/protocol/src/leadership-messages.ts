/**
 * Of several orchestrators one leads. Another one that a node connects to says who (capability `not-leader`), and
 * closes the connection:
 *
 *     orch → node      notLeader      instead of Identified, after the proof where there is a token
 */
import { optional, type Fields } from './fields.js';
import { MAX_NAME_LENGTH } from './limits.js';
import { label } from './wire-types.js';

/** `leader`: where nodes reach it, `host:port`; null: nobody leads now, or its address is not known. */
export type NotLeader = { kind: 'notLeader'; leader: string | null };

export const LEADERSHIP_FIELDS: { readonly notLeader: Fields<Omit<NotLeader, 'kind'>> } = {
  notLeader: { leader: optional('Leader', label(MAX_NAME_LENGTH), null) },
};
