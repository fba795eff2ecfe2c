/**
 * Which client of this process is logged in as its node. A process is one node, for its shards, its heartbeats and its
 * end are those of the process: a second client that logs in is refused, by name. One that has left may log in again,
 * with a new node underneath.
 */
import { NodeError } from '../errors.js';
import type { DshardNode } from '../node-api.js';

/** How a library calls it. */
export type LoginWords = { readonly login: string; readonly destroy: string };

export type LoginOf = {
  readonly client: object;
  readonly words: LoginWords;
  /** As the options or the launcher name it. */
  readonly nodeId: string | undefined;
  /** Who the bot is, once that is known. */
  readonly name: () => string | undefined;
};

/** `node` null: login has not come that far. */
type LoggedIn = LoginOf & { node: DshardNode | null };

let loggedIn: LoggedIn | null = null;

/** It begins. Throws `DSO_LOGIN_TWICE`. */
export function beginLogin(login: LoginOf): void {
  if (loggedIn !== null && loggedIn.node?.status.kind !== 'closed') throw twice(loggedIn, login);
  loggedIn = { ...login, node: null };
}

export function loginMade(client: object, node: DshardNode): void {
  if (loggedIn?.client === client) loggedIn.node = node;
}

/** It failed, or the client has left. */
export function endLogin(client: object): void {
  if (loggedIn?.client === client) loggedIn = null;
}

function twice(first: LoggedIn, { client, words, nodeId }: LoginOf): NodeError {
  const name = first.node?.nodeId ?? first.nodeId;
  const node = name === undefined || name === '' ? 'a node' : `node "${name}"`;
  const tag = first.name() ?? 'which is still logging in';
  if (first.client === client) {
    return new NodeError(
      'DSO_LOGIN_TWICE',
      `${words.login} was called again on a client (${tag}) that is ${node} already. Call ${words.destroy} first to log in anew.`,
    );
  }
  return new NodeError(
    'DSO_LOGIN_TWICE',
    `A second client${nodeId === undefined ? '' : `, to be node "${nodeId}",`} was refused: this process is ${node} already, by its first ` +
      `client (${tag}). Start another process for the second one, or make it without orchestrated().`,
  );
}
