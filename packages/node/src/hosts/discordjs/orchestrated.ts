/**
 * The two lines that a discord.js bot changes:
 *
 *     const client = new Client({ ...orchestrated(), intents: […] });
 *     await client.login();
 *
 * login() connects the client to the orchestrator, which says from then on which shards run in this process; it
 * resolves when the orchestrator has taken the node in, and `client.user` and `client.application` are there. destroy()
 * asks to leave: the shards are moved to other nodes, or closed with their sessions kept; login() may follow.
 *
 * A process without an orchestrator around (none is named in the options, and DSO_ORCHESTRATOR and DSO_NODE_ID are not
 * set) is a plain client with all shards, so that `node bot.js` goes on working at a developer's desk. It says so once.
 */
import type { Client, ClientOptions } from 'discord.js';
import { NodeError } from '../../errors.js';
import { createNode } from '../../node.js';
import type { DshardNode } from '../../node-api.js';
import { launchEnvironment } from '../../environment.js';
import { clientLogger, orchestratedStrategy } from './strategy.js';
import { DiscordjsHost } from './discordjs-host.js';
import type { GatewayManager, Strategy } from './gateway-manager.js';
import { learnIdentity } from './export/structures.js';
import { forgetGateway, setDestroyed, wrapLogin } from './internals.js';
import { beginLogin, endLogin, loginMade } from '../login.js';
import { checkOptions, type OrchestratedOptions } from './options.js';
import { withOwnEvents } from './state-frames.js';
import { nodeOptions } from '../options.js';
import { shardUtil } from './shard-util.js';
import { checkSupported } from './supported.js';

/** `nodeId`: as far as it is said before the orchestrator is asked. */
type Attachment = { client: Client | null; readonly nodeId: string | undefined };

/** By the strategy that orchestrated() made, which is how a client is recognised as its. */
const attachments = new WeakMap<object, Attachment>();
const running = new WeakMap<Client, { node: DshardNode; host: DiscordjsHost }>();

/**
 * Options for `new Client(…)`; spread them first. With DISCORD_API in the environment, as `dso up` sets it from
 * `discord.api`, the client asks there instead of Discord, unless the bot has a `rest` of its own. Throws
 * `DSO_NODE_OPTIONS_INVALID`.
 */
export function orchestrated(options: OrchestratedOptions = {}): Pick<ClientOptions, 'ws' | 'rest'> {
  checkOptions(options);
  const { launched, orchestrator, nodeId, discordApi } = launchEnvironment();
  const rest = discordApi === undefined ? {} : { rest: { api: discordApi } };
  if (!launched && orchestrator === undefined && options.orchestrator === undefined) {
    sayStandalone();
    return { ...rest, ws: { ...options.ws } };
  }
  const attachment: Attachment = { client: null, nodeId: options.nodeId ?? nodeId };
  const buildStrategy = (manager: GatewayManager): Strategy => attach(manager, attachment.client, options);
  attachments.set(buildStrategy, attachment);
  wrapLogin(loginBegins, endLogin);
  return { ...rest, ws: { ...options.ws, buildStrategy } };
}

let saidStandalone = false;

function sayStandalone(): void {
  if (!saidStandalone) {
    saidStandalone = true;
    process.emitWarning(
      'No orchestrator is named (DSO_ORCHESTRATOR), so this is a plain discord.js client with all shards in this process. Start the ' +
        'bot with `dso up --bot <file>` to have its shards moved without downtime.',
      { type: 'DshardWarning', code: 'DSO_STANDALONE' },
    );
  }
}

/** The node of an orchestrated client that has logged in, or null: its status, its shards, `close()`. */
export function nodeOf(client: Client): DshardNode | null {
  return running.get(client)?.node ?? null;
}

/**
 * Whether the event that is being emitted may have been handled before, by a node that died: it came after the last
 * checkpoint. To be asked at the beginning of a listener, before anything is awaited.
 */
export function isRedelivered(client: Client): boolean {
  return running.get(client)?.host.isRedelivering ?? false;
}

function loginBegins(client: Client): void {
  const attachment = attachmentOf(client);
  if (attachment === undefined) {
    return;
  }
  if (attachment.client !== null && attachment.client !== client) {
    throw unknownClient('The options that one call of orchestrated() returned were given to two clients.');
  }
  checkSupported(client);
  beginLogin({
    client,
    words: { login: 'login()', destroy: 'destroy()' },
    nodeId: attachment.nodeId,
    name: () => client.user?.tag,
  });
  if (attachment.client === client) {
    forgetGateway(client);
  }
  attachment.client = client;
  // Which there are is said later; discord.js would ask Discord how many it should start.
  client.options.shards = [];
  client.options.shardCount = 1;
}

function attachmentOf(client: Client): Attachment | undefined {
  const strategy = Reflect.get(client.options.ws ?? {}, 'buildStrategy') as object | undefined;
  return strategy === undefined ? undefined : attachments.get(strategy);
}

function attach(manager: GatewayManager, client: Client | null, options: OrchestratedOptions): Strategy {
  if (client === null) {
    // From version 15 on a client has its strategy made before anybody logs in.
    checkSupported(null);
    throw unknownClient(
      'The client belongs to another copy of discord.js than @dshard/node does (see npm ls discord.js).',
    );
  }
  const logger = options.logger ?? clientLogger(client);
  const host = new DiscordjsHost(client, manager, options, logger);
  const node = createNode({
    ...nodeOptions(options),
    host,
    logger,
    userEvents: withOwnEvents(options.userEvents),
  });
  running.set(client, { node, host });
  loginMade(client, node);
  client.shard = shardUtil(client, { node: () => node, ids: () => host.shardIds });
  return orchestratedStrategy({
    shards: () => host.pool,
    send: (shardId, payload) => host.send(shardId, payload),
    login: async () => {
      await learnIdentity(client);
      await node.start();
      await node.established;
    },
    destroy: async () => {
      // It serves on until its shards are gone.
      setDestroyed(client, false);
      await node.leave();
      setDestroyed(client, true);
      endLogin(client);
    },
  });
}

function unknownClient(sentence: string): NodeError {
  return new NodeError('DSO_CLIENT_UNKNOWN', sentence);
}
