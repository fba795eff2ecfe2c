/**
 * The kinds of operations there are. A new kind is
 *
 *     state/operations.ts                what is known of it, what is stored of it, and what it is asked for with
 *     operations/<kind>.ts               what it does
 *     operations/registry.ts             a line here
 *     @dshard/api operations.ts          what starting it takes over REST, and its commands
 *
 * with its test, a line for the simulator's operator (faults/operators.ts), its paragraph in
 * docs/reference/operations.md, and one in the changelog. The record, the history, cancelling, restarts, the REST
 * resource, `--dry-run`, progress, confirmation, exit codes and `dso operations` follow from these.
 */
import type { OperationKind } from '../state/operations.js';
import { DRAIN } from './drain.js';
import type { Operation } from './operation.js';
import { REBALANCE } from './rebalance.js';
import { ROLLOUT } from './rollout.js';
import { SCALE } from './scale.js';
import { TAKEOVER } from './takeover.js';

export const OPERATIONS: { readonly [K in OperationKind]: Operation<K> } = {
  drain: DRAIN,
  rebalance: REBALANCE,
  rollout: ROLLOUT,
  scale: SCALE,
  takeover: TAKEOVER,
};
