/** `dso config`: what `dso up` would run with here. Asks nobody. */
import type { ConfigKey, ResolvedConfig } from '@dshard/api/config';
import type { Command } from 'commander';
import { configFile, fileOption, setOption, type ConfigOptions } from '../config-options.js';
import { counted, printable, printableJson } from '@dshard/protocol';
import { addForm, formOf, type FormOptions } from '../output/form.js';
import { examplesHelp } from '../run-command.js';

type Options = FormOptions & ConfigOptions & { all?: boolean };

export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .description('show the settings of `dso up` in this folder, and where each setting is written');
  addReading(config, showConfig, [
    'dso config',
    'dso config --all',
    'DSO_NODES=4 dso config --config /etc/dso.yaml --json',
  ]);
  const print = config.command('print').description('the same as dso config');
  addReading(print, showConfig, ['dso config print', 'dso config print --all -o json']);
  const check = config.command('check').description('say whether the settings can be used; exits with 1 if not');
  addReading(check, checkConfig, ['dso config check', 'dso config check --config /etc/dso.yaml']);
  config
    .command('schema')
    .description('print the JSON Schema of dso.yaml, for editors and for checks')
    .option('--json', 'it is JSON in any case')
    .addHelpText('after', examplesHelp(['dso config schema > dso.schema.json']))
    .action(async () => {
      const { configSchema } = await import('@dshard/api/config');
      process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
    });
}

function addReading(command: Command, action: (options: Options) => Promise<void>, examples: readonly string[]): void {
  command.addOption(fileOption()).addOption(setOption()).option('--all', 'also what is at its default');
  addForm(command)
    .addHelpText('after', examplesHelp(examples))
    .action(() => action(command.optsWithGlobals<Options>()));
}

async function read(options: Options): Promise<ResolvedConfig> {
  const { resolveConfig } = await import('@dshard/api/config');
  return resolveConfig({
    flags: options.set ?? [],
    environment: process.env,
    file: configFile(options),
    cwd: process.cwd(),
  });
}

async function showConfig(options: Options): Promise<void> {
  const { CONFIG_KEYS, writtenValue } = await import('@dshard/api/config');
  const config = await read(options);
  const settings = CONFIG_KEYS.map((key: ConfigKey) => ({
    key,
    value: writtenValue(key, config.values[key]),
    writtenAt: config.writtenAt[key] ?? null,
  }));
  const shown = options.all === true ? settings : settings.filter(({ writtenAt }) => writtenAt !== null);
  const document = { file: config.file, settings: shown, warnings: config.warnings };
  process.stdout.write(formOf(options) === 'json' ? `${printableJson(document)}\n` : `${linesOf(config, shown)}\n`);
}

/** What is wrong is thrown by whoever reads, all at once, each with its place. */
async function checkConfig(options: Options): Promise<void> {
  const { file, warnings, writtenAt } = await read(options);
  const document = { ok: true, file, warnings };
  const what = `${file ?? 'Flags, environment and defaults'}: ${counted(Object.keys(writtenAt).length, 'setting')}, all of which can be used.`;
  const text = [...warnings.map((warning) => `warning: ${printable(warning)}`), what].join('\n');
  process.stdout.write(formOf(options) === 'json' ? `${printableJson(document)}\n` : `${text}\n`);
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
