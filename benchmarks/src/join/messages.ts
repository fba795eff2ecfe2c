/** What the processes of the fleet benchmark say to each other over IPC. */

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
  /** The longest that the orchestrator was deaf since the last reading. */
  deafMs: number;
  rssMb: number;
};

export type OrchestratorSaying =
  { kind: 'listening'; address: string } | { kind: 'reading'; reading: OrchestratorReading };

export type NodesOrder = { orchestrator: string; from: number; to: number };

export type NodesReading = {
  established: number;
  /** Since the last reading: why connections were lost, refused or did not come about, and how often. */
  lost: Readonly<Record<string, number>>;
  cpuMs: number;
};

export type NodesSaying = { kind: 'ready' } | { kind: 'reading'; reading: NodesReading };
