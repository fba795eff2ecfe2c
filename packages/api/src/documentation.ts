/** Where the code of an error is explained. */
const ERRORS = 'https://github.com/dshardorchestrator/dshardorchestrator/blob/main/docs/reference/errors.md';

export function documentationOf(code: string): string {
  return `${ERRORS}#${code.toLowerCase()}`;
}
