/** `GET /v1/config`: the settings in force. Secrets, and variables that bots are given, are not shown. */
import type { Configuration } from '@dshard/api';
import { CONFIG_KEYS, writtenValue, type ResolvedConfig } from '@dshard/api/config';

export function configurationOf({ file, values, writtenAt, warnings }: ResolvedConfig): Configuration {
  const settings = CONFIG_KEYS.map((key) => ({
    key,
    value: key === 'launcher.env' ? namesOf(values[key]) : writtenValue(key, values[key]),
    writtenAt: writtenAt[key] ?? null,
  }));
  return { file, settings, warnings };
}

function namesOf(variables: Readonly<Record<string, string>> | null): string {
  const names = Object.keys(variables ?? {});
  return names.length === 0 ? 'none' : `${names.join(', ')} (values not shown)`;
}
