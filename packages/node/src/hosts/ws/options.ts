/** The options of `createWsHost`. */
import type { REST } from '@discordjs/rest';
import type {
  CreateWebSocketManagerOptions,
  ManagerShardEventsMap,
  WebSocketManager,
  WebSocketShardEvents,
} from '@discordjs/ws';
import type { Cursor } from '../../session/state.js';
import type { ShardHost } from '../../shard-host.js';
import type { HandlerOptions } from '../options.js';
import type { Delivery } from '../../gateway-shard/options.js';

/** A dispatch as the library types it: its package brings these types, ours does not. */
type Dispatch = ManagerShardEventsMap[WebSocketShardEvents.Dispatch][0];

/** What of @discordjs/ws is passed on as it is. */
export type WsPassthrough = Pick<
  CreateWebSocketManagerOptions,
  'compression' | 'identifyProperties' | 'initialPresence' | 'largeThreshold' | 'version'
>;

export type WsHostOptions = WsPassthrough &
  HandlerOptions & {
    /** The bot's token. */
    token: string;
    intents: CreateWebSocketManagerOptions['intents'];
    /** The REST client to ask for the gateway's address. Default: one made from `token` and `api`. */
    rest?: REST;
    /** The API's address for that default client, e.g. http://127.0.0.1:8080/api. Default: Discord's. */
    api?: string;
    /**
     * Called with every dispatch, in order, before `manager` emits it. When it returns a promise, a shard that leaves
     * waits for it, so that nothing is half done when the other node goes on. `redelivered`: a node that was lost may
     * have handled it before. READY with `s` 0 is made from REST, once in a process that is given running shards: no
     * session begins with it.
     */
    onDispatch?: (payload: Dispatch, shardId: number, delivery: Delivery) => void | Promise<void>;
  };

export type WsHost = ShardHost & {
  /**
   * Listen on it and send with it as usual: `manager.on(WebSocketShardEvents.Dispatch, (payload, shardId) => …)`. Its
   * connect(), updateShardCount() and destroy() are refused: the orchestrator decides.
   */
  readonly manager: WebSocketManager;
  /** The cursor of a shard that runs here, or null. */
  cursorOf(shardId: number): Cursor | null;
};
