/** How a command can fail, and what its exit code is then. The codes are part of the interface: `dso --help` lists them. */
export type CliErrorCode = 'DSO_CLI_REFUSED' | 'DSO_CLI_USAGE' | 'DSO_CLI_UNREACHABLE' | 'DSO_CLI_TRACE_UNREADABLE';

export type CliErrorEntry = { meaning: string; remedy: string; retryable: boolean; exitCode: number };

export const CLI_ERRORS: Readonly<Record<CliErrorCode, CliErrorEntry>> = {
  DSO_CLI_REFUSED: {
    meaning: 'The orchestrator refused, or could not do what was asked.',
    remedy: 'The message is the orchestrator’s and says why.',
    retryable: false,
    exitCode: 1,
  },
  DSO_CLI_USAGE: {
    meaning: 'The command line cannot be understood.',
    remedy: 'See `dso help <command>`.',
    retryable: false,
    exitCode: 2,
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
    retryable: false,
    exitCode: 2,
  },
};

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  readonly exitCode: number;

  constructor(code: CliErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.exitCode = CLI_ERRORS[code].exitCode;
  }
}
