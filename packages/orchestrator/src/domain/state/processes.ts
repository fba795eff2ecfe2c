/** The processes that the launcher runs, and how those of each version fare. */
import { hasConnection } from './nodes.js';
import type { LaunchState, OrchestratorState } from './state.js';

/** One process, from the moment at which it runs until it has ended. */
export type ProcessState = {
  node: string;
  pid: number;
  /** When it was launched, or, of an earlier run, when this run found it. */
  since: number;
  /** What it was launched as (DSO_VERSION); '' where that is not known. */
  version: string;
  /** Why it was told to end; null: it may run. */
  ending: string | null;
};

/** The ends of one version's processes that nobody asked for, and its launches that failed (`fleet/crash-loop.ts`). */
export type CrashLoop = {
  /** As launched; '' where that is not known. */
  version: string;
  /** What its nodes call themselves; null: none of those that died was ever connected. */
  reported: string | null;
  /** Whether the last one that counts had ever been connected. */
  wasUp: boolean;
  /** Each was launched after the one before had died, and died before it was healthy. */
  inARow: number;
  /** Since the orchestrator began, or since the version is known. */
  total: number;
  /** When the first in the row died. */
  since: number;
  /** When the last one that counts died. */
  lastAt: number;
  /** No launch that nobody asks for before this time. */
  notBefore: number;
  /** How the last one ended. */
  reason: string;
};

/** So many in a row are a crash loop. */
export const CRASH_LOOP_FROM = 3;

export function isCrashLoop({ inARow }: CrashLoop): boolean {
  return inARow >= CRASH_LOOP_FROM;
}

/** The launch under way that is to become this node. */
export function launchOf({ launches }: OrchestratorState, node: string): LaunchState | undefined {
  for (const launch of launches.values()) if (launch.node === node) return launch;
  return undefined;
}

/** Under which id a process serves that was to be another node: it is not ended for that. */
export function connectedAs(
  { nodes }: OrchestratorState,
  { pid, since }: { pid: number | null; since: number },
): string | null {
  if (pid === null) return null;
  for (const node of nodes.values()) {
    if (node.pid === pid && node.joinedAt >= since && hasConnection(node)) return node.id;
  }
  return null;
}
