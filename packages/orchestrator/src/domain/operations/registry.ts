/** The kinds of operations there are. */
import type { OperationKind } from '../state/operations.js';
import { DRAIN } from './drain.js';
import type { Operation } from './operation.js';
import { ROLLOUT } from './rollout.js';

export const OPERATIONS: { readonly [K in OperationKind]: Operation<K> } = {
  drain: DRAIN,
  rollout: ROLLOUT,
};
