/** Every door of the project. */
import { api } from './api.js';
import { configuration } from './configuration.js';
import type { Door } from './door.js';
import { emulator } from './emulator.js';
import { nodeLibrary } from './node-library.js';
import { nodePort, nodePortWithoutToken } from './node-port.js';
import { rest } from './rest.js';
import { store } from './store.js';

export const DOORS: readonly Door[] = [
  nodePort,
  nodePortWithoutToken,
  nodeLibrary,
  rest,
  api,
  configuration,
  store,
  emulator,
];
