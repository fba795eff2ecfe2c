/** How a command can fail, and what its exit code is then. They are part of the interface: `dso --help` lists them. */
import { CodedError } from '@dshard/protocol';

export const CLI_ERRORS = {
  DSO_CLI_REFUSED: {
    meaning: 'The orchestrator refused, or could not do what was asked.',
    remedy: 'The message is the orchestrator’s and says why.',
    exitCode: 1,
  },
  DSO_CLI_USAGE: {
    meaning: 'The command line cannot be understood.',
    remedy: 'See `dso help <command>`.',
    exitCode: 2,
  },
  DSO_CLI_NOT_CONFIRMED: {
    meaning: 'What was asked for costs state or IDENTIFYs, and there is no terminal to ask at.',
    remedy: 'Say --yes if this is meant; --dry-run shows what an operation would do.',
    exitCode: 2,
  },
  DSO_CLI_CANCELLED: {
    meaning: 'The operation was cancelled, or was not confirmed at the terminal.',
    remedy: 'The message says how far it came; `dso operations` shows who cancelled it.',
    exitCode: 4,
  },
  DSO_CLI_UNREACHABLE: {
    meaning: 'Nobody answers at the address, or it is no orchestrator that does.',
    remedy: 'Start one with `dso up`, or name its address with --address or DSO_CLI_ADDR.',
    retryable: true,
    exitCode: 3,
  },
  DSO_CLI_TRACE_UNREADABLE: {
    meaning: 'A file given to `dso verify-trace` is no event history.',
    remedy: 'Export one: `dso events --after 0 --json > trace.json`. The message names the line.',
    exitCode: 2,
  },
  DSO_CLI_NO_ORCHESTRATOR: {
    meaning: '`dso up` was asked for where @dshard/orchestrator is not installed.',
    remedy: 'Install it beside the command line; the message has the line to type.',
    exitCode: 1,
  },
} as const;

/** What the program ends with, for every command. They are stable. */
export const EXIT_CODES = {
  0: 'done',
  1: 'the orchestrator refused, or the operation failed or was reverted (`up`: it could not start; `config`: it cannot be used; `doctor`: something is to be mended; `health`: an alarm of level error stands; `call`: a shard did not answer; `verify-trace`: something is violated)',
  2: 'the command line, the query or the trace cannot be understood, or it needs --yes',
  3: 'no orchestrator listens at the address',
  4: 'the operation was cancelled, or not confirmed',
  130: 'Ctrl-C ended the waiting or the watching; what was begun goes on',
} as const;

export type CliErrorCode = keyof typeof CLI_ERRORS;

export class CliError extends CodedError<CliErrorCode> {
  override readonly name = 'CliError';
  readonly exitCode: number;
  /** Of the answer, where there was one. */
  readonly status: number | null;

  constructor(code: CliErrorCode, message: string, options: { cause?: unknown; status?: number } = {}) {
    super(CLI_ERRORS, code, message, options);
    this.status = options.status ?? null;
    this.exitCode = CLI_ERRORS[code].exitCode;
  }
}
