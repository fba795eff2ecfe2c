/** Where a process runs, as far as the spread of the shards is concerned. */
import { isNodeId } from '@dshard/protocol';
import { invalidOption, refuseUnknownKeys } from './check-options.js';

/** What is on one host, or in one zone, may fail together. Each 1–128 printable characters; null: not said. */
export type Labels = { readonly host: string | null; readonly zone: string | null };

export function checkedLabels(
  where: string,
  { host, zone, ...rest }: Partial<Labels>,
  launch: { host: string | undefined; zone: string | undefined },
): Labels {
  refuseUnknownKeys(`${where} (labels)`, rest, ['host', 'zone']);
  const checked = (name: string, label: string | null | undefined): string | null => {
    if (label === undefined || label === null || isNodeId(label)) return label ?? null;
    throw invalidOption(where, name, `is "${label}", but must be 1–128 printable characters without / or \\.`);
  };
  return { host: checked('labels.host', host ?? launch.host), zone: checked('labels.zone', zone ?? launch.zone) };
}
