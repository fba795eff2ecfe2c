/** What the runtime asks its surroundings: Discord for `GET /gateway/bot`, the version source for versions. */
import { messageOf } from '@dshard/protocol';
import type { CommandError, CommandResult } from '../domain/state/commands.js';
import type { DomainEvent } from '../domain/state/events.js';
import { OrchestratorError } from '../errors.js';
import type { GatewayInfoSource, VersionSource } from '../ports/surroundings.js';

/**
 * The operator's questions about versions. The version source may run commands, so it is read at the start, when a node
 * is launched and after an update, and not because somebody asks. One reading or update runs at a time.
 */
export class Versions {
  readonly #source: VersionSource | null;
  readonly #onDeployed: (version: string) => void;
  #deployed: Promise<CommandResult> | null = null;
  #pulling: Promise<CommandResult> | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param onDeployed what a launch would start from now on. */
  constructor(source: VersionSource | null, onDeployed: (version: string) => void = () => undefined) {
    this.#source = source;
    this.#onDeployed = onDeployed;
  }

  /** Whether anybody can say what a launch would start. */
  get areKnown(): boolean {
    return this.#source !== null;
  }

  /** It may have changed. */
  read(): Promise<CommandResult> {
    const read = this.#alone(() => this.#ask((source) => source.deployed()));
    this.#deployed = read;
    return read;
  }

  /** What was read last. */
  deployed(): Promise<CommandResult> {
    return this.#deployed ?? this.read();
  }

  /** Who asks while an update runs gets the result of that one. */
  pullNew(): Promise<CommandResult> {
    this.#pulling ??= this.#alone(() => this.#ask((source) => source.pullNew())).finally(() => {
      this.#pulling = null;
      if (this.#source !== null) void this.read();
    });
    return this.#pulling;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** The bare version is the message, as at the ancestor: scripts read it. */
  async #ask(ask: (source: VersionSource) => Promise<string>): Promise<CommandResult> {
    if (this.#source === null) {
      const message = 'No version is known: configure a version command or a fixed version.';
      return { ok: false, error: { code: 'DSO_NO_VERSION_SOURCE', message, fault: 'conflict' } };
    }
    try {
      const version = await ask(this.#source);
      this.#onDeployed(version);
      return { ok: true, message: version, data: { version } };
    } catch (error) {
      return { ok: false, error: toCommandError(error) };
    }
  }
}

function toCommandError(error: unknown): CommandError {
  const code = error instanceof OrchestratorError ? error.code : 'DSO_INTERNAL';
  return { code, message: messageOf(error), fault: code === 'DSO_NO_UPDATE_COMMAND' ? 'conflict' : 'fleet' };
}

/** Asks Discord for `GET /gateway/bot`, one attempt at a time; whether to try again is for the domain to say. */
export class GatewayQuestion {
  readonly #provider: GatewayInfoSource | null;
  readonly #answered: (event: DomainEvent) => void;
  #isAsked = false;

  constructor(provider: GatewayInfoSource | null, answered: (event: DomainEvent) => void) {
    this.#provider = provider;
    this.#answered = answered;
  }

  async ask(): Promise<void> {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const event = await this.#attempt();
    this.#isAsked = false;
    this.#answered(event);
  }

  async #attempt(): Promise<DomainEvent> {
    try {
      if (this.#provider === null) throw new Error('no bot token is set (DISCORD_TOKEN)');
      const { url: _, ...told } = await this.#provider.fetch();
      return { kind: 'gatewayInfo', ...told };
    } catch (error) {
      const reason = asReason(messageOf(error));
      if (!(error instanceof OrchestratorError)) return { kind: 'gatewayInfoFailed', reason };
      const isRefused = error.code === 'DSO_DISCORD_TOKEN_REFUSED';
      return { kind: 'gatewayInfoFailed', reason, isRefused, retryAfterMs: error.retryAfterMs };
    }
  }
}

/** A sentence as a reason: the domain puts it into a sentence of its own, which has its own period. */
export function asReason(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
