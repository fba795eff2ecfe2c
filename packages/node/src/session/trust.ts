/**
 * Whom a node that has a token obeys: an orchestrator that proves that it knows the token, and hears only then what
 * this node runs. The proof is of both sides, and neither tells the token (docs/reference/protocol.md): a bare Identify
 * with a nonce, the orchestrator's challenge, this node's proof with the whole Identify, Identified. The edge computes;
 * what follows is decided here.
 */
import { LOGIC_VERSION, MESSAGE_TRAITS } from '@dshard/protocol';
import type { Identified, Identify, Message, Rejected, ShardSession } from '@dshard/protocol';
import type { NodeErrorCode } from '../errors.js';
import { retainedSession } from './live-origin.js';
import { isTaken, ruleOf } from './shard-states.js';
import type { Established } from './state.js';
import type { Transaction } from './transaction.js';

/** All that this node says of itself. */
export function identifyMessage(tx: Transaction): Identify {
  const runningShards: number[] = [];
  const heldSessions: ShardSession[] = [];
  for (const [shardId, shard] of tx.shards) {
    const session = retainedSession(shard);
    if (ruleOf(shard).owned === true && !isTaken(shard)) {
      runningShards.push(shardId);
    } else if (session !== null) {
      heldSessions.push({ shardId, ...session });
    }
  }
  runningShards.sort((a, b) => a - b);
  const epochs = {
    runningEpochs: runningShards.map((shardId) => tx.epochOf(shardId)),
    orchestratorEpoch: tx.orchestratorEpoch,
  };
  return {
    ...(tx.identity.capabilities.includes('epochs') ? epochs : {}),
    kind: 'identify',
    totalShards: tx.totalShards ?? 0,
    runningShards,
    version: tx.identity.version,
    nodeId: tx.identity.nodeId,
    logicVersion: LOGIC_VERSION,
    capabilities: tx.identity.capabilities,
    host: tx.identity.host,
    pid: tx.identity.pid,
    heldSessions,
    instance: tx.identity.instance,
    bounds: tx.identity.bounds,
    ...(tx.identity.zone !== null && { zone: tx.identity.zone }),
  };
}

/** What anybody who listens at the address of the orchestrator may know. A base-level one needs the shards as well. */
export function bareIdentify(tx: Transaction, nonce: Uint8Array): Identify {
  const { version, nodeId, capabilities, allowBaseLevelOrchestrator } = tx.identity;
  const { totalShards, runningShards } = identifyMessage(tx);
  return {
    kind: 'identify',
    totalShards: allowBaseLevelOrchestrator ? totalShards : 0,
    runningShards: allowBaseLevelOrchestrator ? runningShards : [],
    version,
    nodeId,
    logicVersion: LOGIC_VERSION,
    capabilities,
    host: null,
    pid: null,
    heldSessions: [],
    nonce,
  };
}

/** Whether what is said on a connection that is not established yet may be acted on. */
export function isTrusted({ link, identity }: Transaction): boolean {
  if (link.kind !== 'identifying') return false;
  const { kind } = link.trust;
  return kind === 'notAsked' || kind === 'proven' || identity.allowBaseLevelOrchestrator;
}

/** What may be believed of it: of an orchestrator that proved nothing the base level, or nothing at all. */
export function trusted(tx: Transaction, message: Identified): Identified | Rejected {
  const { link } = tx;
  if (link.kind !== 'identifying' || link.trust.kind === 'notAsked' || link.trust.kind === 'proven') return message;
  if (!tx.identity.allowBaseLevelOrchestrator) {
    return unproven(
      'It did not prove that it knows the token of this node. Give it the same DSO_TOKEN, or the node none; ' +
        'for the ancestor (in Go), which cannot prove any, set allowBaseLevelOrchestrator. ' +
        'If neither is so, see which process listens at that address.',
    );
  }
  const { kind, totalShards, nodeId } = message;
  return { kind, totalShards, nodeId, capabilities: [], heartbeatIntervalMs: 0 };
}

export function unproven(message: string): Rejected {
  return { kind: 'rejected', code: 'DSO_ORCHESTRATOR_UNPROVEN' satisfies NodeErrorCode, message, retryable: false };
}

/** Of an orchestrator that proved nothing, or knows nothing else, only the base level is taken. */
export function isHeard({ capabilities }: Established, { kind }: Message): boolean {
  return capabilities.length > 0 || MESSAGE_TRAITS[kind].capability === null || kind === 'rejected';
}
