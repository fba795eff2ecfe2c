/** `dso config`: what `dso up` would run with here, and where each setting was written. Asks nobody. */
import type { ResolvedConfig } from '@dshard/api/config';
import type { Command } from 'commander';
import { configFile, fileOption, setOption, type ConfigOptions } from '../config-options.js';
import { printable, printableJson } from '@dshard/protocol';
import { examplesHelp } from '../run-command.js';

type Options = ConfigOptions & { all?: boolean; json?: boolean };

export function addConfig(program: Command): void {
  program
    .command('config')
    .description('show the settings of `dso up` in this folder, and where each setting is written')
    .addOption(fileOption())
    .addOption(setOption())
    .option('--all', 'also what is at its default')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examplesHelp(['dso config', 'dso config --all', 'DSO_NODES=4 dso config --config /etc/dso.yaml --json']),
    )
    .action(showConfig);
}

async function showConfig(options: Options): Promise<void> {
  const { CONFIG_KEYS, resolveConfig, writtenValue } = await import('@dshard/api/config');
  const config = resolveConfig({
    flags: options.set ?? [],
    environment: process.env,
    file: configFile(options),
    cwd: process.cwd(),
  });
  const settings = CONFIG_KEYS.map((key) => ({
    key,
    value: writtenValue(key, config.values[key]),
    writtenAt: config.writtenAt[key] ?? null,
  }));
  const shown = options.all === true ? settings : settings.filter(({ writtenAt }) => writtenAt !== null);
  const document = { file: config.file, settings: shown, warnings: config.warnings };
  process.stdout.write(options.json === true ? `${printableJson(document)}\n` : `${linesOf(config, shown)}\n`);
}

type Setting = { key: string; value: string; writtenAt: string | null };

function linesOf({ warnings }: ResolvedConfig, settings: readonly Setting[]): string {
  const keys = Math.max(0, ...settings.map(({ key }) => key.length));
  const values = Math.max(0, ...settings.map(({ value }) => value.length));
  return [
    ...(settings.length === 0 ? ['Everything is at its default: dso config --all shows it.'] : []),
    ...settings.map(
      ({ key, value, writtenAt }) =>
        `${key.padEnd(keys)}  ${printable(value).padEnd(values)}  ${writtenAt ?? 'default'}`,
    ),
    ...warnings.map((warning) => `warning: ${printable(warning)}`),
  ].join('\n');
}
