export { createDiscordenoHost } from './discordeno-host.js';
export type { DiscordenoHostOptions } from './options.js';
