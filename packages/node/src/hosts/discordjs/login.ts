/**
 * Which client of this process is logged in as its node. A process is one node, for its shards, its heartbeats and its end are those of
 * the process: a second client that logs in is refused, by name. One that was destroyed may log in again, with a new node underneath.
 */
import type { Client } from 'discord.js';
import { NodeError } from '../../errors.js';
import type { DshardNode } from '../../node-api.js';

type LoggedIn = {
  client: Client;
  /** As the options or the launcher name it. */
  nodeId: string | undefined;
  /** null: login() has not come that far. */
  node: DshardNode | null;
};

let loggedIn: LoggedIn | null = null;

/** login() begins. Throws `DSO_LOGIN_TWICE`. */
export function beginLogin(client: Client, nodeId: string | undefined): void {
  if (loggedIn !== null && loggedIn.node?.status.kind !== 'closed') {
    throw twice(loggedIn, client, nodeId);
  }
  loggedIn = { client, nodeId, node: null };
}

export function loginMade(client: Client, node: DshardNode): void {
  if (loggedIn?.client === client) loggedIn.node = node;
}

/** It failed, or the client is destroyed. */
export function endLogin(client: Client): void {
  if (loggedIn?.client === client) loggedIn = null;
}

function twice(first: LoggedIn, client: Client, nodeId: string | undefined): NodeError {
  const name = first.node?.nodeId ?? first.nodeId;
  const node = name === undefined || name === '' ? 'a node' : `node "${name}"`;
  const tag = first.client.user?.tag ?? 'which is still logging in';
  if (first.client === client) {
    return new NodeError(
      'DSO_LOGIN_TWICE',
      `login() was called again on a client (${tag}) that is ${node} already. Call destroy() first to log in anew.`,
    );
  }
  return new NodeError(
    'DSO_LOGIN_TWICE',
    `A second client${nodeId === undefined ? '' : `, to be node "${nodeId}",`} was refused: this process is ${node} already, by its first ` +
      `client (${tag}). Start another process for the second one, or make it without ...orchestrated().`,
  );
}
