/**
 * Which of several addresses a node uses to reach the orchestrator, so that whoever stands in between (a fault proxy) knows whose
 * connection it has. Ids of launched nodes end in the time in base 36, so those that are launched together use different ones.
 */
export function wayOf(node: string, ways: string | undefined): string | null {
  if (ways === undefined) return null;
  const addresses = ways.split(' ');
  return addresses[wayNumber(node, addresses.length)] ?? null;
}

export function wayNumber(node: string, ways: number): number {
  const launched = Number.parseInt(node.slice(node.lastIndexOf('-') + 1), 36);
  return Number.isNaN(launched) ? 0 : launched % ways;
}
