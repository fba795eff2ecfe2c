/** The defect of scenario `quarantine`: the first version of the demo's bot dies of this message, the next one handles it like any other. */
export const DEADLY_MESSAGE = 'A message to die of';
export const DEFECTIVE_VERSION = 'v1';
