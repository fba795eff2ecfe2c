/**
 * What `orchestrated(client)` does for every library: its way to connect becomes the way to the orchestrator, its way
 * to disconnect asks to leave: the shards are moved to other nodes, or closed with their sessions kept.
 *
 * A process without an orchestrator around (none is named in the options, and DSO_ORCHESTRATOR and DSO_NODE_ID are not
 * set) goes on as if nothing had been said, with all shards, so that `node bot.js` works at a developer's desk. It says
 * so once.
 */
import type { WebSocketManager } from '@discordjs/ws';
import type { Logger } from '@dshard/transport';
import { launchEnvironment } from '../../environment.js';
import type { DshardNode } from '../../node-api.js';
import { createNode } from '../../node.js';
import { withOwnEvents } from '../discordjs/state-frames.js';
import { beginLogin, endLogin, loginMade, type LoginWords } from '../login.js';
import { ClientHost, type GatewaySettings } from './client-host.js';
import { Departed } from './departed.js';
import { nodeOptions } from '../options.js';
import { resolveClientOptions, type ClientHostOptions, type OrchestratedOptions } from './options.js';
import type { ClientPort, Sent } from './port.js';

export type PortHooks = {
  /** From the bot to Discord; never throws. */
  readonly send: (shardId: number, payload: Sent) => void;
  readonly departed: Departed;
  /** As WebSocketManager has it. */
  readonly fetchStatus: () => ReturnType<WebSocketManager['fetchStatus']>;
};

export type Library = {
  /** For sentences: "eris". */
  readonly name: string;
  readonly makePort: (hooks: PortHooks) => ClientPort;
  readonly client: object;
  readonly words: LoginWords;
  /** The bot's name, once it is known. */
  readonly userName: () => string | undefined;
  /** Read when the client connects. */
  readonly settings: () => GatewaySettings;
  /** Asks Discord's REST who the bot is: a process that is given running shards may never get a READY. */
  readonly learnIdentity: () => Promise<void>;
  /** Where the node writes without a logger of the bot's. */
  readonly logger: Logger;
};

/** By client, of its last login. */
const departedOf = new WeakMap<object, Departed>();

/** A host by itself: for a node that is made by hand, and for tests. */
export function makeHost(library: Library, options: ClientHostOptions, logger: Logger): ClientHost {
  const departed = new Departed(options.clock, options.lingerMs);
  // Shards that it had may come to it again.
  departedOf.get(library.client)?.forgetAll();
  departedOf.set(library.client, departed);
  // The port is used by its host, and later by the bot.
  const port = library.makePort({
    send: (shardId, payload) => host.send(shardId, payload),
    departed,
    fetchStatus: () => host.fetchStatus(),
  });
  const host: ClientHost = new ClientHost({ port, settings: library.settings(), options, logger, departed });
  return host;
}

/** null: there is no orchestrator, and the client goes on by itself. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function orchestrate(
  library: Library,
  options: OrchestratedOptions,
): { connect: () => Promise<void>; disconnect: () => Promise<void> } | null {
  const resolved = resolveClientOptions(options);
  const { launched, orchestrator, nodeId } = launchEnvironment();
  if (!launched && orchestrator === undefined && options.orchestrator === undefined) {
    sayStandalone(library.name);
    return null;
  }
  const { client, words, userName: name } = library;
  return {
    connect: async () => {
      beginLogin({ client, words, nodeId: options.nodeId ?? nodeId, name });
      try {
        const logger = options.logger ?? library.logger;
        const host = makeHost(library, resolved, logger);
        const userEvents = withOwnEvents(options.userEvents);
        const node = createNode({ ...nodeOptions(options), host, logger, userEvents });
        nowRuns(client, { node, host });
        loginMade(client, node);
        await library.learnIdentity();
        await node.start();
        await node.established;
      } catch (error) {
        endLogin(client);
        throw error;
      }
    },
    disconnect: async () => {
      await nodeOf(client)?.leave();
      endLogin(client);
    },
  };
}

let saidStandalone = false;

function sayStandalone(library: string): void {
  if (saidStandalone) return;
  saidStandalone = true;
  process.emitWarning(
    `No orchestrator is named (DSO_ORCHESTRATOR), so this is a plain ${library} client with all shards in this process. Start the ` +
      'bot with `dso up --bot <file>` to have its shards moved without downtime.',
    { type: 'DshardWarning', code: 'DSO_STANDALONE' },
  );
}

/** What runs under a client that `orchestrated()` was given. */
type Running = { readonly node: DshardNode; readonly host: { readonly isRedelivering: boolean } };

const running = new WeakMap<object, Running>();

function nowRuns(client: object, what: Running): void {
  running.set(client, what);
}

/** The node of an orchestrated client that has connected, or null: its status, its shards, `fleet`, `close()`. */
export function nodeOf(client: object): DshardNode | null {
  return running.get(client)?.node ?? null;
}

/**
 * Whether the event that is being told may have been handled before, by a node that died: it came after the last
 * checkpoint. To be asked at the beginning of a listener, before anything is awaited.
 */
export function isRedelivered(client: object): boolean {
  return running.get(client)?.host.isRedelivering ?? false;
}

/** Where the node of a client writes without a logger of the bot's: to the client's own "debug" and "warn". */
type Emitter = { emit(event: 'debug' | 'warn', message: string): boolean };

export function clientLogger(client: object): Logger {
  const emitter = client as Emitter;
  const debug = (_: unknown, message: string): void => void emitter.emit('debug', `[Orchestrated] ${message}`);
  const warn = (_: unknown, message: string): void => {
    // What an operator should see must not depend on a listener.
    if (!emitter.emit('warn', message)) process.emitWarning(message, 'DshardWarning');
  };
  return { debug, info: debug, warn, error: warn };
}
