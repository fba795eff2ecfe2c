/**
 * Asks the operator's own commands which version is deployed and has them fetch a newer one: `git describe --always`
 * and `git pull`, say. They run without a shell and without the bot's secrets, and bounded in time and output.
 */
import { resolve } from 'node:path';
import type { Clock } from '@dshard/transport';
import { OrchestratorError } from '../../errors.js';
import type { VersionSource } from '../../ports/surroundings.js';
import { runCommand, type Environment } from '../command-line/run.js';
import { toCommand } from '../command-line/split.js';

export type VersionCommandsOptions = {
  /** Prints the version a node started now would run. */
  versionCommand: string | readonly string[];
  /** Fetches a newer version; null: not possible. */
  updateCommand: string | readonly string[] | null;
  /** Where both run. Default: where the orchestrator runs. */
  cwd?: string;
  /** What they see of the environment. Default: all but `secrets`. */
  environment?: Environment;
  /** What they need not know: a variable of such a name, or with such a value, is left out. */
  secrets?: Secrets;
  clock: Clock;
  /** Default 10 s. */
  versionTimeoutMs?: number;
  /** Default 5 min. */
  updateTimeoutMs?: number;
};

const DEFAULT_VERSION_TIMEOUT_MS = 10_000;
const DEFAULT_UPDATE_TIMEOUT_MS = 300_000;

type Secrets = { names: readonly string[]; values: readonly string[] };

const NO_SECRETS: Secrets = { names: [], values: [] };

/** A token may stand under a second name, too. */
function withoutSecrets(environment: Environment, { names, values }: Secrets): Environment {
  const isSecret = ([name, value = '']: [string, string | undefined]): boolean =>
    names.includes(name) || values.some((secret) => value.includes(secret));
  return Object.fromEntries(Object.entries(environment).filter((variable) => !isSecret(variable)));
}

/** Throws `DSO_COMMAND_INVALID` for a command line that cannot be split. */
export function versionCommands(options: VersionCommandsOptions): VersionSource {
  const versionCommand = toCommand(options.versionCommand);
  const updateCommand = options.updateCommand === null ? null : toCommand(options.updateCommand);
  const cwd = resolve(options.cwd ?? '.');
  const { clock } = options;
  const environment = withoutSecrets(options.environment ?? process.env, options.secrets ?? NO_SECRETS);

  const deployed = async (): Promise<string> => {
    const timeoutMs = options.versionTimeoutMs ?? DEFAULT_VERSION_TIMEOUT_MS;
    const version = await runCommand(versionCommand, { cwd, environment, clock, timeoutMs });
    if (version !== '') return version;
    throw new OrchestratorError('DSO_VERSION_COMMAND_FAILED', `${versionCommand.join(' ')} printed no version.`);
  };

  return {
    deployed,
    pullNew: async () => {
      if (updateCommand === null) {
        throw new OrchestratorError('DSO_NO_UPDATE_COMMAND', 'No update command is configured.');
      }
      const timeoutMs = options.updateTimeoutMs ?? DEFAULT_UPDATE_TIMEOUT_MS;
      await runCommand(updateCommand, { cwd, environment, clock, timeoutMs });
      return deployed();
    },
  };
}

// For fleets whose version never changes while the orchestrator runs.

/** Pulling a new version finds the same one. */
export function fixedVersion(version: string): VersionSource {
  return { deployed: async () => version, pullNew: async () => version };
}
