/** What a bot on @discordjs/ws makes its host with. */
import { stateMethods } from '../state-hooks.js';
import type { WsHost, WsHostOptions } from './options.js';
import { resolveWsOptions } from './resolve-options.js';
import { WebSocketHost } from './web-socket-host.js';

/** Throws `DSO_NODE_OPTIONS_INVALID`. Nothing connects before a node tells it to. */
export function createWsHost(options: WsHostOptions): WsHost {
  const resolved = resolveWsOptions(options);
  return Object.assign(new WebSocketHost(resolved), stateMethods(resolved.state));
}
