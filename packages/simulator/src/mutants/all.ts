import type { Mutant } from './mutant.js';

/** By the name that `--mutate` takes. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'received-cursor': {
    bug: 'the host reports the last sequence it received, not the last one it handed over',
    host: { cursor: 'received' },
  },
};
