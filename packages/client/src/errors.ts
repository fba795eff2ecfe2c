/** The errors of this package. `docs/reference/errors.md` is made from the table. */
import type { Refusal } from '@dshard/api';
import { CodedError } from '@dshard/protocol';

export const CLIENT_ERRORS = {
  DSO_CLIENT_REFUSED: {
    meaning: 'The orchestrator refused, or could not do what was asked.',
    remedy: 'The message is the orchestrator’s and says why; `refusal` has its code, details and documentation.',
  },
  DSO_CLIENT_UNREACHABLE: {
    meaning: 'Nobody answers at the address.',
    remedy: 'Start an orchestrator, or correct the address.',
    retryable: true,
  },
  DSO_CLIENT_HUNG_UP: {
    meaning: 'The connection ended before the whole answer had come; what was asked may have been done.',
    remedy: 'Ask again what only reads. For the rest, look first whether it was done.',
    retryable: true,
  },
  DSO_CLIENT_NO_ORCHESTRATOR: {
    meaning: 'Something answers at the address, and it is no orchestrator.',
    remedy: 'The REST interface is on port 7448 by default, not where nodes connect.',
  },
} as const;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

export class ClientError extends CodedError<ClientErrorCode> {
  override readonly name = 'ClientError';
  /** Of the answer, where there was one. */
  readonly status: number | null;
  /** What the orchestrator said, where it did: `code` says what kind of fault it is. */
  readonly refusal: Partial<Refusal> | null;

  constructor(
    code: ClientErrorCode,
    message: string,
    options: { cause?: unknown; status?: number; refusal?: Partial<Refusal> } = {},
  ) {
    super(CLIENT_ERRORS, code, message, options);
    this.status = options.status ?? null;
    this.refusal = options.refusal ?? null;
  }
}
