/**
 * Everything looks dead. When most nodes (more than half of them, and more than one) fall silent at once and none of
 * them is known to be dead, it is probably the orchestrator that is cut off. Then nothing is taken from them, nothing
 * is launched in their place and nothing is moved, and an alarm says so, until enough of them are heard again or an
 * operator says which ones are dead (`dso takeover`).
 *
 * Nodes on one host fail together, and one host that fails is no reason to doubt oneself. So where nodes are on several
 * hosts, most hosts must be silent as well: more than half of them, and more than one. A host is silent when more than
 * half of its nodes are. So of three hosts one is taken over, be it the one with most of the nodes.
 *
 * When it is over, those that are still away get their whole downtime again: they are probably on their way back.
 */
import { counted } from '@dshard/protocol';
import { hostOf } from '../state/hosts.js';
import { isLeaving } from '../state/nodes.js';
import { longestSilentSince, nodeSurvey } from '../state/node-survey.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** From so many missed heartbeats on a node that still seems connected looks silent. (After three it is cut off.) */
const SILENT_AFTER_INTERVALS = 2;

type Silence = { silent: NodeState[]; heard: NodeState[] };

/** Nodes that matter: those that have shards and are away, and those that are connected. */
function silenceOf(tx: Transaction): Silence {
  const silence: Silence = { silent: [], heard: [] };
  for (const node of tx.state.nodes.values()) {
    if (isLeaving(node)) continue;
    if (node.connection.kind === 'disconnected') {
      if (!node.connection.gone && tx.shardsOf(node.id).length > 0) silence.silent.push(node);
    } else {
      const isQuiet = isOverdue(node, tx.settings.heartbeatIntervalMs, tx.now);
      (isQuiet ? silence.silent : silence.heard).push(node);
    }
  }
  return silence;
}

/** Connected, and silent for so long that it may be dead. */
export function isOverdue({ connection }: NodeState, intervalMs: number, now: number): boolean {
  if (connection.kind !== 'connected' || intervalMs <= 0 || !connection.capabilities.includes('heartbeat'))
    return false;
  return connection.lastHeardAt + SILENT_AFTER_INTERVALS * intervalMs <= now;
}

/** More than one, and more than half. */
function isMost(silent: number, heard: number): boolean {
  return silent > 1 && silent > heard;
}

type Located = Pick<NodeState, 'id' | 'host'>;

/** `hosts` null: all of them are on one. */
export type Verdict = { isCutOff: boolean; hosts: { silent: readonly string[]; all: number } | null };

export function judgeSilence(silent: readonly Located[], heard: readonly Located[]): Verdict {
  const balance = new Map<string, number>();
  for (const node of silent) balance.set(hostOf(node), (balance.get(hostOf(node)) ?? 0) + 1);
  for (const node of heard) balance.set(hostOf(node), (balance.get(hostOf(node)) ?? 0) - 1);
  const isMostNodes = isMost(silent.length, heard.length);
  if (balance.size < 2) return { isCutOff: isMostNodes, hosts: null };
  const hosts = [...balance].flatMap(([host, excess]) => (excess > 0 ? [host] : []));
  const isCutOff = isMostNodes && isMost(hosts.length, balance.size - hosts.length);
  return { isCutOff, hosts: { silent: hosts, all: balance.size } };
}

/** While it is on nobody's silence has consequences. Not at the start: there everybody is still on the way back. */
export function mayAlarm({ graceUntil, ending }: OrchestratorState): boolean {
  return graceUntil === null && ending === null;
}

/** Whether it can be at all: a look at each node costs more than what is known of all of them. */
function mayBeMostSilent({ state: { nodes }, settings, now }: Transaction): boolean {
  const overdueMs = SILENT_AFTER_INTERVALS * settings.heartbeatIntervalMs;
  if (overdueMs > 0 && longestSilentSince(nodes, now - overdueMs) <= now - overdueMs) return true;
  const { size: unsettled } = nodeSurvey(nodes).unsettled;
  return isMost(unsettled, nodes.size - unsettled);
}

export function watchForSilence(tx: Transaction): void {
  const { alarm } = tx.state;
  if (alarm === null && !mayBeMostSilent(tx)) return;
  const silence = silenceOf(tx);
  const verdict = judgeSilence(silence.silent, silence.heard);
  const isOn = mayAlarm(tx.state) && verdict.isCutOff;
  const silent = silence.silent.map(({ id }) => id);
  const hosts = verdict.hosts?.silent ?? [];
  if (isOn && alarm === null) raise(tx, silence, verdict);
  else if (!isOn && alarm !== null) clear(tx, silent);
  else if (alarm !== null && (!isSame(alarm.silent, silent) || !isSame(alarm.hosts, hosts)))
    tx.patch({ alarm: { ...alarm, silent, hosts } });
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}

function raise(tx: Transaction, silence: Silence, { hosts }: Verdict): void {
  const [silent, heard] = [silence.silent.map(({ id }) => id), silence.heard.map(({ id }) => id)];
  tx.patch({ alarm: { since: tx.now, silent, hosts: hosts?.silent ?? [] } });
  const nodes = `${silent.length} of ${silent.length + heard.length} nodes`;
  const who =
    hosts === null
      ? `${nodes} are silent, and none of them is`
      : `${hosts.silent.length} of ${counted(hosts.all, 'host')} are silent (${hosts.silent.join(', ')}; ${nodes}), and none of them is`;
  const way = hosts === null ? 'If a node is dead, say so: `dso takeover <node>`.' : whatToDo(hosts.silent);
  const text =
    `${who} known to be dead: this orchestrator may be cut off. ` +
    `Nothing is taken over, launched or moved until they are heard again. ${way}`;
  tx.record('alarmRaised', 'error', text, { silent, heard, hosts: hosts?.silent ?? [] });
}

/** A node without a host stands for itself. */
function whatToDo(hosts: readonly string[]): string {
  const [named] = hosts.filter((host) => !host.startsWith('node '));
  return named === undefined
    ? 'If a node is dead, say so: `dso takeover <node>`.'
    : `Look at the network between this host and those. If a host is dead, say so: \`dso takeover --host ${named}\`.`;
}

function clear(tx: Transaction, stillSilent: readonly string[]): void {
  tx.patch({ alarm: null });
  for (const shard of tx.survey().unreachable) {
    const state = tx.shard(shard);
    if (state?.kind === 'unreachable') tx.setShard(shard, { ...state, since: tx.now });
  }
  const rest = stillSilent.length === 0 ? '' : ` Still silent: ${stillSilent.join(', ')}.`;
  const why = tx.state.ending === null ? 'most nodes are heard, or known to be dead' : 'the fleet is shut down';
  tx.record('alarmCleared', 'info', `The alarm is over: ${why}.${rest}`, { silent: stillSilent });
}
