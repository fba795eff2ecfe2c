/** The errors of this package: what can be wrong with a configuration. `docs/reference/errors.md` is made from it. */
import { CodedError } from '@dshard/protocol';

export const API_ERRORS = {
  DSO_CONFIG_INVALID: {
    meaning: 'The configuration has an unknown key or a value of the wrong kind.',
    remedy: 'Correct the keys the message names; they are all listed at once.',
  },
  DSO_CONFIG_UNREADABLE: {
    meaning: 'A file the configuration needs cannot be read.',
    remedy: 'Check the path the message names and who may read it.',
  },
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;

export class ApiError extends CodedError<ApiErrorCode> {
  override readonly name = 'ApiError';

  constructor(code: ApiErrorCode, message: string, options?: { cause?: unknown }) {
    super(API_ERRORS, code, message, options);
  }
}
