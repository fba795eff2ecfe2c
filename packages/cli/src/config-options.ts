/** Where a configuration comes from, on a command line: the options of all commands that read one. */
import type { Flag } from '@dshard/api/config';
import { InvalidArgumentError, Option } from 'commander';

export type ConfigOptions = { config?: string; set?: readonly Flag[] };

export function fileOption(): Option {
  return new Option('-c, --config <file>', 'read this file (DSO_CONFIG; default: dso.yaml, if there is one)');
}

export function setOption(): Option {
  const about = 'any other key of dso.yaml, such as migrationsPerNode=8; repeatable';
  return new Option('-s, --set <key=value>', about).argParser(addSetting);
}

/** null: `dso.yaml`, if there is one. */
export function configFile({ config }: ConfigOptions): string | null {
  return config ?? (process.env['DSO_CONFIG'] || null);
}

function addSetting(text: string, settings: readonly Flag[] = []): Flag[] {
  const [key = '', ...value] = text.split('=');
  if (key === '' || value.length === 0) throw new InvalidArgumentError('Write it as key=value.');
  return [...settings, { key, written: value.join('='), flag: '--set' }];
}
