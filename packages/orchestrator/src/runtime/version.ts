/** The operator's questions about versions, answered from the version source. One update runs at a time. */
import { messageOf } from '@dshard/protocol';
import type { CommandError, CommandResult } from '../domain/state/commands.js';
import { OrchestratorError } from '../errors.js';
import type { VersionSource } from '../ports/version-source.js';

export class Versions {
  readonly #source: VersionSource | null;
  #pulling: Promise<CommandResult> | null = null;

  constructor(source: VersionSource | null) {
    this.#source = source;
  }

  deployed(): Promise<CommandResult> {
    return this.#ask((source) => source.deployed(), 'Deployed version');
  }

  /** Who asks while an update runs gets the result of that one. */
  pullNew(): Promise<CommandResult> {
    this.#pulling ??= this.#ask((source) => source.pullNew(), 'Pulled version').finally(() => {
      this.#pulling = null;
    });
    return this.#pulling;
  }

  async #ask(ask: (source: VersionSource) => Promise<string>, what: string): Promise<CommandResult> {
    if (this.#source === null) {
      const message = 'No version is known: configure a version command or a fixed version.';
      return { ok: false, error: { code: 'DSO_NO_VERSION_SOURCE', message, fault: 'conflict' } };
    }
    try {
      const version = await ask(this.#source);
      return { ok: true, message: `${what}: ${version}`, data: { version } };
    } catch (error) {
      return { ok: false, error: toCommandError(error) };
    }
  }
}

function toCommandError(error: unknown): CommandError {
  const code = error instanceof OrchestratorError ? error.code : 'DSO_INTERNAL';
  return { code, message: messageOf(error), fault: code === 'DSO_NO_UPDATE_COMMAND' ? 'conflict' : 'fleet' };
}
