/** What other programs of this repository use: the public packages as tarballs, and programs run to their end. */
export { packAll, run, type Ran, type RunOptions, type Tarball } from './tarballs.js';
export { readWorkspace } from './workspace.js';
