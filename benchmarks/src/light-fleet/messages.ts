/** What the processes of a light fleet say to each other over IPC. */
import type { BenchOrchestrator } from '../orchestrator.js';

export type OrchestratorReading = {
  /** Nodes that are established. */
  nodes: number;
  /** Shards whose session is READY or RESUMED. */
  up: number;
  /** Shards that some node has, whether they are up or not. */
  owned: number;
  /** The fewest and the most shards of an established node. */
  fewest: number;
  most: number;
  /** Refusals and broken rules that are in the history, since the orchestrator started. */
  violations: number;
  /** IDENTIFYs permitted since the orchestrator started. */
  identifies: number;
  /** Processor time since the last reading, and the time it was. */
  cpuMs: number;
  ms: number;
  /** How late its event loop was since the last reading. */
  delayP99Ms: number;
  delayMaxMs: number;
  rssMb: number;
};

/** How a drain went. */
export type DrainReading = { ok: boolean; text: string; ms: number; frozenMs: readonly number[]; mostDown: number };

export type OrchestratorSaying =
  | { kind: 'listening'; address: string }
  | { kind: 'reading'; reading: OrchestratorReading }
  | { kind: 'drained'; reading: DrainReading };

export type OrchestratorOrder = BenchOrchestrator & { settings: Readonly<Record<string, string>> };

/** `drain`: the nodes that give up their shards. */
export type OrchestratorAsked = { do: 'read' } | { do: 'drain'; origins: readonly string[] };

/** `stateKb`: what each shard takes along when it moves. */
export type NodesOrder = { orchestrator: string; from: number; to: number; stateKb: number };

export type NodesAsked = { do: 'start' | 'read' };

export type NodesReading = {
  established: number;
  /** Since the last reading: why connections were lost, refused or did not come about, and how often. */
  lost: Readonly<Record<string, number>>;
  cpuMs: number;
};

export type NodesSaying = { kind: 'ready' } | { kind: 'reading'; reading: NodesReading };
