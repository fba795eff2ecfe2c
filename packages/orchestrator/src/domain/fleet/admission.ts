/** Who is let in. Pure checks of an Identify; a refusal concerns that one connection and harms nobody else. */
import { counted, highestObeyed, isNodeId, LOGIC_VERSION, longestShardList, MAX_SHARDS } from '@dshard/protocol';
import type { Identify } from '@dshard/protocol';
import { isPossibleEpoch } from '../state/epochs.js';
import type { DomainErrorCode } from '../state/errors.js';
import type { Peer } from '../state/events.js';
import { hasConnection, hasSaidGoodbye } from '../state/nodes.js';
import type { OrchestratorState } from '../state/state.js';

export type Refusal = { code: DomainErrorCode; message: string };

/** @returns why the peer is refused, or null. */
export function refusalOf(state: OrchestratorState, identify: Identify, peer: Peer, now: number): Refusal | null {
  return (
    wrongVersion(identify) ??
    notTrusted(state, identify, peer) ??
    invalidId(identify.nodeId) ??
    staleHere(state, identify, now) ??
    impossible(state, identify, now) ??
    otherTotal(state, identify) ??
    impossibleBounds(state, identify) ??
    idIsTaken(state, identify)
  );
}

function wrongVersion({ logicVersion }: Identify): Refusal | null {
  if (logicVersion === LOGIC_VERSION) return null;
  return {
    code: 'DSO_LOGIC_VERSION',
    message:
      `The node speaks logic version ${logicVersion}, this orchestrator ${LOGIC_VERSION}. ` +
      'Run node library and orchestrator of matching versions.',
  };
}

/** Where there is no token, whoever can connect is trusted; the runtime then listens on loopback only. */
function notTrusted({ settings }: OrchestratorState, identify: Identify, peer: Peer): Refusal | null {
  const { tokenRequired, allowBaseLevelPeers } = settings;
  if (!usesExtensions(identify)) return tokenRequired && !allowBaseLevelPeers ? baseLevelRefused(peer) : null;
  if (!tokenRequired) return identify.nonce === undefined ? null : tokenUnknown();
  return peer.proof === 'right' ? null : tokenRefused(peer);
}

function baseLevelRefused({ remote }: Peer): Refusal {
  return {
    code: 'DSO_BASE_LEVEL_REFUSED',
    message:
      `A base-level peer cannot prove that it knows the token of this orchestrator; this one came from ${remote}. ` +
      'If it is yours, set allowBaseLevelPeers (DSO_ALLOW_BASE_LEVEL_PEERS=true).',
  };
}

function tokenUnknown(): Refusal {
  return {
    code: 'DSO_TOKEN_UNKNOWN',
    message:
      'The node has a token, and this orchestrator has none to prove. Give both the same DSO_TOKEN, or none to both.',
  };
}

function tokenRefused({ proof }: Peer): Refusal {
  const message =
    proof === 'wrong'
      ? 'The node has another token than this orchestrator. Give both the same DSO_TOKEN.'
      : 'This orchestrator asks for a token, and the node did not say that it has one. Set DSO_TOKEN for the node, or ' +
        'DSO_TOKEN_FILE to the file that holds it (.dso/token beside an orchestrator that made its own). ' +
        'If the node has the token, its @dshard/node is too old to prove it.';
  return { code: 'DSO_TOKEN_REFUSED', message };
}

/** Whatever of ours a peer makes use of, it can prove the token. Of the base level's peers none sends any of this. */
function usesExtensions({ capabilities, host, pid, heldSessions, ...rest }: Identify): boolean {
  const { runningEpochs = [], orchestratorEpoch = 0, instance, bounds, nonce, zone } = rest;
  const isNamed = [host, zone ?? null, pid, instance ?? null, bounds ?? null, nonce ?? null].some(
    (each) => each !== null,
  );
  return capabilities.length > 0 || isNamed || heldSessions.length + runningEpochs.length + orchestratorEpoch > 0;
}

function invalidId(id: string): Refusal | null {
  if (id === '' || isNodeId(id)) return null;
  return {
    code: 'DSO_NODE_ID_INVALID',
    message: 'A node id is 1 to 128 printable characters without spaces, slashes or backslashes.',
  };
}

/**
 * The node has obeyed an orchestrator of a later epoch. If that one leads, the store says so as soon as anything is
 * written; if nobody does, this one counts on from there (`handshake.ts`). Refused is only what nobody can have
 * counted.
 */
function staleHere({ epoch }: OrchestratorState, { orchestratorEpoch = 0 }: Identify, now: number): Refusal | null {
  if (orchestratorEpoch <= Math.max(epoch, highestObeyed(now))) return null;
  return {
    code: 'DSO_ORCHESTRATOR_STALE',
    message:
      `The node says that it has obeyed an orchestrator of epoch ${orchestratorEpoch}, which is far ahead of the clock here. ` +
      'Set the clocks right, and restart the node.',
  };
}

function impossible(state: OrchestratorState, identify: Identify, now: number): Refusal | null {
  const { totalShards, runningShards, heldSessions, runningEpochs = [] } = identify;
  const invalid = (message: string): Refusal => ({ code: 'DSO_IDENTIFY_INVALID', message });
  if (!Number.isSafeInteger(totalShards) || totalShards < 0 || totalShards > MAX_SHARDS) {
    return invalid(`The node says the total is ${counted(totalShards, 'shard')}; it must be 0 to ${MAX_SHARDS}.`);
  }
  const epoch = runningEpochs.find((each) => !isPossibleEpoch(state, each, now));
  if (epoch !== undefined) {
    return invalid(`The node says it has a shard under epoch ${epoch}, which nobody can have given. Is a clock wrong?`);
  }
  if (longestShardList(identify) > totalShards) {
    return invalid(`The node names more shards than the ${totalShards} there are.`);
  }
  for (const shard of [...runningShards, ...heldSessions.map(({ shardId }) => shardId)]) {
    if (Number.isSafeInteger(shard) && shard >= 0 && shard < totalShards) continue;
    return invalid(`The node says it has shard ${shard} of a total of ${totalShards}.`);
  }
  return null;
}

function otherTotal(state: OrchestratorState, { totalShards }: Identify): Refusal | null {
  if (totalShards === 0 || state.totalShards === null || totalShards === state.totalShards) return null;
  return {
    code: 'DSO_TOTAL_SHARDS_MISMATCH',
    message: `The node runs with ${counted(totalShards, 'shard')} in total, this fleet with ${state.totalShards}. Restart the node.`,
  };
}

function impossibleBounds({ settings }: OrchestratorState, { bounds, nodeId }: Identify): Refusal | null {
  const { freezeTimeoutMs } = settings;
  if (bounds === undefined || bounds.handlersMs < freezeTimeoutMs) return null;
  return {
    code: 'DSO_BOUNDS_IMPOSSIBLE',
    message:
      `Node ${nodeId} waits up to ${bounds.handlersMs} ms for handlers when a shard freezes (timeouts.handlersMs of its host), and here a ` +
      `shard may be frozen for ${freezeTimeoutMs} ms (timeouts.freeze). Make the first the smaller one.`,
  };
}

/**
 * A node that came back has the instance of before. One that has said goodbye needs its id no more. A base-level peer
 * names none: it can take the place of another base-level peer only.
 */
function idIsTaken(state: OrchestratorState, { nodeId, instance, pid, host }: Identify): Refusal | null {
  const holder = state.nodes.get(nodeId);
  if (holder === undefined || !hasConnection(holder) || hasSaidGoodbye(holder)) return null;
  if (holder.instance === null || holder.instance === instance) return null;
  const isSameProcess = holder.pid === pid && holder.host === host;
  return {
    code: 'DSO_NODE_ID_TAKEN',
    message: isSameProcess
      ? `This process has a node ${nodeId} already, which is connected (${processOf(holder)}): one node per process and id.`
      : `Node id ${nodeId} is that of ${processOf(holder)}, which is connected; this is ${processOf({ pid, host })}. ` +
        'Give each process an id of its own (DSO_NODE_ID), or none; or end the other one.',
  };
}

function processOf({ pid, host }: { pid: number | null; host: string | null }): string {
  return `process ${pid ?? '(of an unknown number)'} on ${host ?? 'an unknown host'}`;
}
