/** Every door of the project. */
import type { Door } from './door.js';
import { nodePort, nodePortWithoutToken } from './node-port.js';

export const DOORS: readonly Door[] = [nodePort, nodePortWithoutToken];
