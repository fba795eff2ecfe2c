/**
 * Cordons: a node keeps what it has, and gets nothing new automatically. A cordon of a host holds for each of its
 * nodes, also for those that join from it later, and takes no cordon of a single node back when it ends.
 */
import { counted } from '@dshard/protocol';
import { knownNode, type Checked } from '../state/checks.js';
import { isHostCordoned, knownHost, nodesOn, patchHost } from '../state/hosts.js';
import { isConnected } from '../state/nodes.js';
import type { NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { commandError } from '../state/errors.js';

export function cordonNode(tx: Transaction, request: string, id: string): void {
  const staying = stayingNode(tx, id);
  if (!staying.ok) return tx.reply(request, staying);
  if (staying.value.intent.kind !== 'cordoned') {
    tx.patchNode(id, { intent: { kind: 'cordoned' } });
    tx.record('nodeCordoned', 'info', `Node ${id} takes no new shards.`, { node: id });
  }
  tx.done(request, `Node ${id} is cordoned: no shard is placed on it automatically.`, { node: id });
}

export function uncordonNode(tx: Transaction, request: string, id: string): void {
  const staying = stayingNode(tx, id);
  if (!staying.ok) return tx.reply(request, staying);
  const { intent, host } = staying.value;
  const text = `Node ${id} takes shards again.`;
  if (intent.kind === 'cordoned') {
    tx.patchNode(id, { intent: { kind: 'serving' } });
    tx.record('nodeUncordoned', 'info', text, { node: id });
  }
  if (!isHostCordoned(tx.state, host)) return tx.done(request, text, { node: id });
  const way = `dso uncordon --host ${host}`;
  tx.fail(request, 'DSO_HOST_CORDONED', `Node ${id} takes no shards, because host ${host} is cordoned: ${way}`);
}

function stayingNode(tx: Transaction, id: string): Checked<NodeState> {
  const known = knownNode(tx.state, id);
  if (!known.ok) return known;
  const { kind } = known.value.intent;
  if (kind !== 'leaving' && kind !== 'shuttingDown') return known;
  const text = kind === 'leaving' ? `Node ${id} asked to leave: it takes no shards.` : `Node ${id} is shutting down.`;
  return { ok: false, error: commandError('DSO_NODE_SHUTTING_DOWN', text) };
}

/** Known is also a host of which no node is here any more: who cordons it means those that come. */
export function cordonHost(tx: Transaction, request: string, host: string): void {
  const known = knownHost(tx.state, host);
  if (!known.ok) return tx.reply(request, known);
  const nodes = connectedOn(tx, host);
  if (!isHostCordoned(tx.state, host)) {
    patchHost(tx, host, { cordoned: { since: tx.now, by: tx.by } });
    tx.record('hostCordoned', 'info', `The nodes of host ${host} take no new shards.`, { host, nodes });
  }
  const later = 'and nor is one placed on nodes that join from it';
  const text = `Host ${host} is cordoned: no shard is placed on its ${counted(nodes.length, 'node')} automatically, ${later}.`;
  tx.done(request, text, { host, nodes });
}

export function uncordonHost(tx: Transaction, request: string, host: string): void {
  const known = knownHost(tx.state, host);
  if (!known.ok) return tx.reply(request, known);
  const nodes = connectedOn(tx, host);
  const text = `The nodes of host ${host} take shards again.`;
  if (isHostCordoned(tx.state, host)) {
    patchHost(tx, host, { cordoned: null });
    tx.record('hostUncordoned', 'info', text, { host, nodes });
  }
  const alone = known.value.filter(({ intent }) => intent.kind === 'cordoned').map(({ id }) => id);
  const rest = alone.length === 0 ? '' : ` Cordoned by themselves, and still so: ${alone.join(', ')}.`;
  tx.done(request, `${text}${rest}`, { host, nodes });
}

function connectedOn(tx: Transaction, host: string): readonly string[] {
  return nodesOn(tx.state, host).flatMap((node) => (isConnected(node) ? [node.id] : []));
}
