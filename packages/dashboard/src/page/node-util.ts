/** Stands in for `node:util` where a module of the contract wants it: the build puts this file in its place. */
export function inspect(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
