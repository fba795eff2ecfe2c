/**
 * The errors of this package. Every one has a stable `code` from the table below (it also makes `docs/reference/errors.md`);
 * its message names the thing at fault and the way out, in plain sentences.
 */

export type ErrorEntry = {
  /** What happened, in one sentence. */
  meaning: string;
  whatToDo: string;
  /** Whether the same attempt may succeed later without anybody changing anything. */
  retryable: boolean;
};

export type OrchestratorErrorCode =
  | 'DSO_CONFIG_INVALID'
  | 'DSO_CONFIG_UNREADABLE'
  | 'DSO_CLOSED_BY_DEFAULT'
  | 'DSO_ADDRESS_TAKEN'
  | 'DSO_ADDRESS_UNUSABLE';

export const ERROR_TABLE: Readonly<Record<OrchestratorErrorCode, ErrorEntry>> = {
  DSO_CONFIG_INVALID: {
    meaning: 'The configuration has an unknown key or a value of the wrong kind.',
    whatToDo: 'Correct the keys the message names; they are all listed at once.',
    retryable: false,
  },
  DSO_CONFIG_UNREADABLE: {
    meaning: 'A file the configuration needs cannot be read.',
    whatToDo: 'Check the path the message names and who may read it.',
    retryable: false,
  },
  DSO_CLOSED_BY_DEFAULT: {
    meaning: 'Listening beyond this machine was asked for without a token.',
    whatToDo: 'Set a token (DSO_TOKEN, or tokenFile), or listen on 127.0.0.1.',
    retryable: false,
  },
  DSO_ADDRESS_TAKEN: {
    meaning: 'Another program listens on the address already.',
    whatToDo: 'Stop it (`ss -ltnp` shows who it is), or choose another address.',
    retryable: true,
  },
  DSO_ADDRESS_UNUSABLE: {
    meaning: 'The address cannot be listened on.',
    whatToDo: 'Choose an address of this machine and a port this user may open.',
    retryable: false,
  },
};

export class OrchestratorError extends Error {
  readonly code: OrchestratorErrorCode;
  readonly retryable: boolean;

  constructor(code: OrchestratorErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'OrchestratorError';
    this.code = code;
    this.retryable = ERROR_TABLE[code].retryable;
  }
}
