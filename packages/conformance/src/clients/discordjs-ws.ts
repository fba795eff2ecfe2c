/** @discordjs/ws 2. */
import { REST } from '@discordjs/rest';
import { WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import { readOrder, sayDispatch, sayFailed } from './client-channel.js';

const { apiUrl, token, intents, shards } = readOrder();
const rest = new REST({ api: apiUrl }).setToken(token);
const manager = new WebSocketManager({ token, intents, rest, shardCount: shards });
manager.on(WebSocketShardEvents.Dispatch, (payload, shard) => sayDispatch(shard, payload));
manager.on(WebSocketShardEvents.Error, sayFailed);
await manager.connect();
