/**
 * Resolves the configuration once, at start: flags win over the environment, the environment over `dso.yaml`, that over
 * the defaults. What comes out is complete, frozen and consistent; what is wrong is said all at once, each with the
 * place it stands at. Warnings are for what works but should not stay so.
 */
import { statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { nearest, printable, withoutTokens } from '@dshard/protocol';
import type { Address, TlsFiles } from '@dshard/transport';
import { ApiError } from '../errors.js';
import { describeValue } from '../values/field.js';
import { configEntry, CONFIG_KEYS, defaultValues, isConfigKey, type ConfigKey, type ConfigValues } from './keys.js';
import {
  environmentAssignments,
  environmentWarnings,
  fileAssignments,
  flagAssignments,
  isSection,
  MAX_PROBLEMS,
  readConfigFile,
  type Assignment,
  type Flag,
} from './sources.js';
import { resolveStore, type StoreConfig } from './store.js';
import { resolveTls } from './tls.js';
import { makesToken, resolveToken, trustWarnings, type Places } from './token.js';

export type LauncherConfig = {
  command: string | readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  dataDir: string;
};

export type ResolvedConfig = Readonly<{
  listen: Address;
  token: string | null;
  /** null: plain text at both doors. */
  tls: TlsFiles | null;
  /** Where the orchestrator keeps the token that it makes itself. null: it makes none. */
  ownTokenFile: string | null;
  /** Every key as it was written, or its default. */
  values: ConfigValues;
  /** `dso.yaml:3`, `DSO_NODES` or `--nodes`, for every key that was written. */
  writtenAt: Readonly<Partial<Record<ConfigKey, string>>>;
  stopGraceMs: number;
  /** null: no REST interface. */
  http: {
    listen: Address;
    tokenlessLoopback: boolean;
    hosts: readonly string[];
    /** Metrics are shown without a token. */
    publicMetrics: boolean;
    /** null: plain text. */
    tls: TlsFiles | null;
  } | null;
  /** null: nodes are started by somebody else. */
  launcher: LauncherConfig | null;
  versions: {
    version: string | null;
    versionCommand: string | readonly string[] | null;
    updateCommand: string | readonly string[] | null;
    cwd: string;
  };
  /** Where the state of parked shards lies. */
  parkDir: string;
  store: StoreConfig;
  discord: { token: string | null; api: string; maxConcurrency: number | null };
  log: { level: ConfigValues['log.level']; pretty: boolean | null };
  /** The file that was read, if any. */
  file: string | null;
  warnings: readonly string[];
}>;

export type ConfigSources = {
  flags?: readonly Flag[];
  environment?: Readonly<Record<string, string | undefined>>;
  /** The file to read. Without it `dso.yaml` in `cwd` is read if it is there. */
  file?: string | null;
  cwd: string;
};

/** Throws DSO_CONFIG_INVALID, which lists every problem, or DSO_CONFIG_UNREADABLE. */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const { cwd, environment = {} } = sources;
  const path = sources.file ?? 'dso.yaml';
  const content = readConfigFile(resolve(cwd, path), typeof sources.file === 'string');
  // Paths in the file are relative to it; without a file, to where the program runs.
  const base = content === null ? cwd : dirname(resolve(cwd, path));
  const file = content === null ? null : fileAssignments(content, path, base);
  const read = readAssignments([
    ...(file?.assignments ?? []),
    ...environmentAssignments(environment, cwd),
    ...flagAssignments(sources.flags ?? [], cwd),
  ]);
  const problems = [...(file?.problems ?? []), ...read.problems];
  const draft = assemble(read, base, problems);
  if (problems.length > 0) {
    const shown = problems.map((problem) => withoutTokens(printable(problem)));
    throw new ApiError(
      'DSO_CONFIG_INVALID',
      shown.length === 1
        ? `The configuration cannot be used: ${shown[0]}`
        : `The configuration cannot be used:\n${shown.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
  return deepFreeze({
    ...draft,
    file: file === null ? null : path,
    warnings: [...environmentWarnings(environment), ...draft.warnings],
  });
}

type Read = {
  values: ConfigValues;
  /** Where each value that is not a default was written. */
  written: ReadonlyMap<string, Assignment>;
  problems: string[];
};

/** Later assignments win; every one of them must be right, also those that lose. */
function readAssignments(assignments: readonly Assignment[]): Read {
  const values = defaultValues();
  const written = new Map<string, Assignment>();
  const problems: string[] = [];
  let untold = 0;
  for (const assignment of assignments) {
    const { key, where } = assignment;
    if (problems.length >= MAX_PROBLEMS) {
      untold += 1;
      continue;
    }
    if (isConfigKey(key)) {
      const problem = readValue(values, key, assignment);
      if (problem === null) written.set(key, assignment);
      else problems.push(problem);
    } else if (isSection(key)) {
      // `http:` with nothing below it says nothing, and does no harm.
      if (assignment.written === null) continue;
      problems.push(
        `${where}: ${key}: expected a section, found ${describeValue(assignment.written, typeof assignment.written === 'string')}.`,
      );
    } else problems.push(`${where}: unknown key ${describeValue(key)}.${suggestion(key)}`);
  }
  if (untold > 0) problems.push(`What follows was not looked at: ${untold} more key(s).`);
  return { values, written, problems };
}

function readValue(values: Partial<Record<ConfigKey, unknown>>, key: ConfigKey, assignment: Assignment): string | null {
  const { written, where } = assignment;
  const { field, secret } = configEntry(key);
  const value = field.read(written);
  if (value === undefined) {
    return `${where}: ${key}: expected ${field.expected}, found ${describeValue(written, secret)}.`;
  }
  values[key] = value;
  return null;
}

function suggestion(key: string): string {
  const meant = nearest(key, [...CONFIG_KEYS, ...new Set(CONFIG_KEYS.flatMap((each) => each.split('.').slice(0, -1)))]);
  return meant === null ? ' No known key is like it.' : ` Did you mean "${meant}"?`;
}

type UnplacedConfig = Omit<ResolvedConfig, 'file'>;

/** Puts the values together and adds to `problems` what is wrong between them. */
function assemble({ values, written }: Read, base: string, problems: string[]): UnplacedConfig {
  const warnings: string[] = [];
  const at = (key: ConfigKey): string => written.get(key)?.where ?? key;
  const pathOf = (key: ConfigKey, path: string): string => resolve(written.get(key)?.base ?? base, path);

  const token = resolveToken(values, { at, pathOf }, problems, warnings);
  warnings.push(...trustWarnings(values, token));
  const tls = resolveTls(values, { at, pathOf }, problems);
  const cwd = values['launcher.cwd'] === null ? base : pathOf('launcher.cwd', values['launcher.cwd']);
  const command = resolveCommand(values, { at, pathOf }, problems);
  if (values.nodes > 0 && command === null && problems.length === 0) {
    problems.push(`${at('nodes')}: nodes: nothing says what a node is: set launcher.bot (--bot) or launcher.command.`);
  }
  checkShards(values, at, problems);
  if (values.totalShards === null && values['discord.token'] === null) {
    warnings.push(
      'The shard count is not known: set DISCORD_TOKEN to ask Discord, or set totalShards (--shards). Until then the orchestrator waits for a node that knows the count.',
    );
  }
  return {
    listen: values.listen,
    token,
    tls: tls.files,
    ownTokenFile: makesToken(values, token)
      ? join(pathOf('launcher.dataDir', values['launcher.dataDir']), 'token')
      : null,
    values,
    writtenAt: Object.fromEntries([...written].map(([key, { where }]) => [key, where])),
    stopGraceMs: values['launcher.stopGrace'],
    http: values['http.enabled']
      ? {
          listen: values['http.listen'],
          tokenlessLoopback: values['http.tokenlessLoopback'],
          hosts: values['http.hosts'],
          publicMetrics: values['metrics.public'],
          tls: tls.files && restFiles(tls.files, values['http.clientCertificates']),
        }
      : null,
    launcher:
      command === null
        ? null
        : {
            command,
            cwd,
            env: { ...tls.nodeEnvironment, ...discordEnvironment(values, written), ...values['launcher.env'] },
            dataDir: pathOf('launcher.dataDir', values['launcher.dataDir']),
          },
    versions: {
      version: values['launcher.version'],
      versionCommand: values['launcher.versionCommand'],
      updateCommand: values['launcher.updateCommand'],
      cwd,
    },
    parkDir: parkDir(values, pathOf),
    store: resolveStore(values, { at, pathOf }, problems),
    discord: {
      token: values['discord.token'],
      api: values['discord.api'],
      maxConcurrency: values['discord.maxConcurrency'],
    },
    log: { level: values['log.level'], pretty: values['log.pretty'] },
    warnings,
  };
}

function parkDir(values: ConfigValues, pathOf: Places['pathOf']): string {
  const path = values['park.dir'];
  return path === null
    ? join(pathOf('launcher.dataDir', values['launcher.dataDir']), 'parked')
    : pathOf('park.dir', path);
}

/** Operators have tokens; certificates of their own are asked for only where that is wanted. */
function restFiles({ cert, key, ca }: TlsFiles, clientCertificates: boolean): TlsFiles {
  return { ...(cert && { cert }), ...(key && { key }), ...(clientCertificates && ca && { ca }) };
}

const NODE_PROGRAMS = ['.js', '.mjs', '.cjs'];
/** Node.js runs them by itself from 22.18 on. */
const TYPESCRIPT_PROGRAMS = ['.ts', '.mts', '.cts'];

function resolveCommand(
  values: ConfigValues,
  { at, pathOf }: Places,
  problems: string[],
): string | readonly string[] | null {
  const bot = values['launcher.bot'];
  const command = values['launcher.command'];
  if (bot === null) return command;
  const complain = (sentence: string): null => {
    problems.push(`${at('launcher.bot')}: launcher.bot: ${sentence}`);
    return null;
  };
  if (command !== null)
    return complain(`there is a launcher.command already (${at('launcher.command')}): use one of the two.`);
  const isTypeScript = TYPESCRIPT_PROGRAMS.includes(extname(bot));
  if (isTypeScript && !('typescript' in process.features && process.features.typescript !== false)) {
    return complain(
      `${bot} is TypeScript, which Node.js ${process.versions.node} does not run by itself (22.18 and later do): install tsx, and use launcher.command (--command 'node --import tsx ${bot}').`,
    );
  }
  if (!isTypeScript && !NODE_PROGRAMS.includes(extname(bot))) {
    return complain(
      `${bot} is no ${NODE_PROGRAMS.join(', ')} file: say how to run it with launcher.command (--command).`,
    );
  }
  const path = pathOf('launcher.bot', bot);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return complain(`there is no file ${path}.`);
  return [process.execPath, path];
}

function checkShards({ totalShards, responsibleForShards }: ConfigValues, at: Places['at'], problems: string[]): void {
  if (responsibleForShards === null) return;
  const where = `${at('responsibleForShards')}: responsibleForShards`;
  if (totalShards === null) {
    problems.push(`${where}: needs a fixed totalShards, because the other orchestrators must count the same.`);
    return;
  }
  const beyond = responsibleForShards.find((shard) => shard >= totalShards);
  if (beyond !== undefined) {
    problems.push(
      `${where}: there is no shard ${beyond}: totalShards is ${totalShards}, so the last is ${totalShards - 1}.`,
    );
  }
}

/** What the bot needs to reach Discord and is not in the environment it inherits. */
function discordEnvironment(values: ConfigValues, written: ReadonlyMap<string, Assignment>): Record<string, string> {
  const token = values['discord.token'];
  return {
    ...(token === null ? {} : { DISCORD_TOKEN: token }),
    ...(written.has('discord.api') ? { DISCORD_API: values['discord.api'] } : {}),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part);
    Object.freeze(value);
  }
  return value;
}
