/**
 * Everything looks dead. When most nodes (more than half of them, and more than one) fall silent at once and none of
 * them is known to be dead, it is probably the orchestrator that is cut off. Then nothing is taken from them, nothing
 * is launched in their place and nothing is moved, and an alarm says so, until enough of them are heard again or an
 * operator says which ones are dead (`takeOverNode`).
 *
 * When it is over, those that are still away get their whole downtime again: they are probably on their way back.
 */
import { isLeaving } from '../state/nodes.js';
import { longestSilentSince, nodeSurvey } from '../state/node-survey.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** From so many missed heartbeats on a node that still seems connected looks silent. (After three it is cut off.) */
const SILENT_AFTER_INTERVALS = 2;

type Silence = { silent: string[]; heard: string[] };

/** Nodes that matter: those that have shards and are away, and those that are connected. */
function silenceOf(tx: Transaction): Silence {
  const silence: Silence = { silent: [], heard: [] };
  for (const node of tx.state.nodes.values()) {
    if (isLeaving(node)) continue;
    if (node.connection.kind === 'disconnected') {
      if (!node.connection.gone && tx.shardsOf(node.id).length > 0) silence.silent.push(node.id);
    } else {
      const isQuiet = isOverdue(node, tx.settings.heartbeatIntervalMs, tx.now);
      (isQuiet ? silence.silent : silence.heard).push(node.id);
    }
  }
  return silence;
}

function isOverdue({ connection }: NodeState, intervalMs: number, now: number): boolean {
  if (connection.kind !== 'connected' || intervalMs <= 0 || !connection.capabilities.includes('heartbeat'))
    return false;
  return connection.lastHeardAt + SILENT_AFTER_INTERVALS * intervalMs <= now;
}

/** More than one, and more than half. */
export function isMostSilent(silent: number, heard: number): boolean {
  return silent > 1 && silent > heard;
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
  return isMostSilent(unsettled, nodes.size - unsettled);
}

export function watchForSilence(tx: Transaction): void {
  const { alarm } = tx.state;
  if (alarm === null && !mayBeMostSilent(tx)) return;
  const { silent, heard } = silenceOf(tx);
  const isOn = mayAlarm(tx.state) && isMostSilent(silent.length, heard.length);
  if (isOn && alarm === null) raise(tx, silent, heard);
  else if (!isOn && alarm !== null) clear(tx, silent);
  else if (alarm !== null && alarm.silent.join() !== silent.join()) tx.patch({ alarm: { ...alarm, silent } });
}

function raise(tx: Transaction, silent: readonly string[], heard: readonly string[]): void {
  tx.patch({ alarm: { since: tx.now, silent } });
  const text =
    `${silent.length} of ${silent.length + heard.length} nodes are silent, and none of them is known to be dead: this orchestrator may be cut ` +
    'off. Nothing is taken over, launched or moved until they are heard again. If a node is dead, say so: `dso takeover <node>`.';
  tx.record('alarmRaised', 'error', text, { silent, heard });
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
