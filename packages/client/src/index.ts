export type { AskOptions, Client, WaitOptions } from './client.js';
export { CLIENT_ERRORS, ClientError } from './errors.js';
export type { ClientErrorCode } from './errors.js';
export { createClient, userAtHost } from './node-client.js';
export type { ClientOptions } from './node-client.js';
export type { Target } from './node-transport.js';
export type { ListName } from './pages.js';
