/**
 * The errors of this package: what can be wrong with a configuration. The table also makes `docs/reference/errors.md`.
 */
import { CodedError, type ErrorEntry } from '@dshard/protocol';

export type ApiErrorCode = 'DSO_CONFIG_INVALID' | 'DSO_CONFIG_UNREADABLE';

export const API_ERRORS: Readonly<Record<ApiErrorCode, ErrorEntry>> = {
  DSO_CONFIG_INVALID: {
    meaning: 'The configuration has an unknown key or a value of the wrong kind.',
    remedy: 'Correct the keys the message names; they are all listed at once.',
    retryable: false,
  },
  DSO_CONFIG_UNREADABLE: {
    meaning: 'A file the configuration needs cannot be read.',
    remedy: 'Check the path the message names and who may read it.',
    retryable: false,
  },
};

export class ApiError extends CodedError<ApiErrorCode> {
  override readonly name = 'ApiError';

  constructor(code: ApiErrorCode, message: string, options?: { cause?: unknown }) {
    super(API_ERRORS, code, message, options);
  }
}
