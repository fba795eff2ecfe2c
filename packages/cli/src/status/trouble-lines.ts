/** The lines of `dso status` about what is wrong, besides alarms and shards: crashes, Discord, hosts, quarantine. */
import { shardRanges, type CrashStatus, type StatusV1 } from '@dshard/api';

/** One line for all shards that the same nodes died of. */
export function quarantineLines({ quarantined }: StatusV1): string[] {
  const byNodes = new Map<string, number[]>();
  for (const { shard, nodes } of quarantined) {
    const key = nodes.join(', ');
    byNodes.set(key, [...(byNodes.get(key) ?? []), shard]);
  }
  return [...byNodes].map(([nodes, shards]) => {
    const ranges = shardRanges(shards);
    const [what, was] = shards.length === 1 ? ['shard', 'it was'] : ['shards', 'they were'];
    const typed = ranges.replaceAll(' ', '');
    return `quarantined: ${what} ${ranges}, because nodes ${nodes} died when ${was} started there; dso unquarantine ${typed}`;
  });
}

export function hostLines({ hosts = [] }: Partial<Pick<StatusV1, 'hosts'>>): string[] {
  return hosts.flatMap(({ name, cordoned, deadSince, nodes }) => [
    ...(cordoned === null ? [] : [`host ${name} is cordoned (${cordoned.by}): dso uncordon --host ${name}`]),
    ...(deadSince === null || nodes.length > 0 ? [] : [`host ${name} counts as dead`]),
  ]);
}

export function gatewayLine(problem: string, { gatewayRetryAt, now }: StatusV1): string {
  const seconds = gatewayRetryAt === null ? 0 : Math.ceil((gatewayRetryAt - now) / 1000);
  const again =
    seconds <= 0 ? '' : `; asked again in ${seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}`;
  return `Discord could not be asked: ${problem}${again}`;
}

export function describeCrashes(
  { version, inARow, total, loop, nextLaunchAt, reason }: CrashStatus,
  now: number,
): readonly string[] {
  const name = version === '' || version === 'unknown' ? 'the bot' : `version ${version}`;
  const seconds = nextLaunchAt === null ? 0 : Math.ceil((nextLaunchAt - now) / 1000);
  const next = seconds > 0 ? `; the next is launched in ${seconds} s` : '';
  const head = `${loop ? 'CRASH LOOP' : 'died'}: ${name}, ${inARow} in a row, ${total} in all${next}`;
  return [head, ...reason.split('\n').map((line) => `  ${line}`)];
}
