/** `dso operations`: what is under way and how far it is, and how the last ones ended. */
import type { OperationStatus } from '@dshard/api';
import { printable } from '../printable.js';

export function describeOperations(operations: readonly OperationStatus[]): string {
  return operations.length === 0 ? 'There is none.' : operations.map(lineOf).join('\n');
}

function lineOf({ id, kind, state, text, by, startedAt }: OperationStatus): string {
  const head = `${id.padEnd(6)} ${kind.padEnd(9)} ${state.padEnd(10)}`;
  return `${head} ${printable(text)} (${printable(by)}, ${new Date(startedAt).toISOString()})`;
}
