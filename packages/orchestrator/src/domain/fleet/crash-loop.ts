/**
 * Versions that die again and again. A process of the launcher that ends although nobody asked it to, and a launch that
 * fails, hold back the launches that nobody asks for: 1 s at first, doubled each time the next process dies as well, 5
 * min at most (`timeouts.launchRetry`, `timeouts.launchRetryMax`). A version without a crash for as long as
 * `timeouts.healthyAfter` after such a pause is healthy: its next pause is the first one again.
 *
 * In a row are processes of which each was launched after the one before had died: ten nodes that end with their host
 * are one crash. Each version has its own row, so a repaired one is launched at once.
 *
 * From the third in a row on it is a crash loop. A new node of such a version is on probation: it gets one shard until
 * it has lived for a while, so that each attempt costs at most one IDENTIFY.
 *
 * All of this is durable, so a restart of the orchestrator shortens no pause and costs no IDENTIFYs: the rest of the
 * pause is waited for, at most one pause. The end of the fleet forgets it: who starts it again has mended it, perhaps.
 */
import { CRASH_LOOP_FROM, isCrashLoop, type CrashLoop } from '../state/processes.js';
import type { Settings } from '../state/settings.js';
import type { NodeState, OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { launchedVersion } from '../state/versions.js';

/** How long a node of a version in a crash loop is on probation. */
const PROBATION_MS = 30_000;
/** Of how many versions the crashes are kept. */
const KEPT_VERSIONS = 8;
/** A reason may hold lines of a log. */
const MAX_REASON = 2_000;

type Pace = Pick<Settings, 'launchRetryMs' | 'launchRetryMaxMs' | 'healthyAfterMs'>;

/**
 * `bornAt`: when what died was launched. `wasUp`: it had been connected; `reported`: the version that it named then, if
 * it did.
 */
export type Crash = { version: string; reported: string | null; wasUp: boolean; bornAt: number; reason: string };

export function pauseMs(inARow: number, { launchRetryMs, launchRetryMaxMs }: Pace): number {
  return Math.min(Math.max(launchRetryMs, launchRetryMaxMs), launchRetryMs * 2 ** Math.min(inARow - 1, 32));
}

/** What is known of a version after one more crash. */
export function withCrash(loop: CrashLoop | undefined, crash: Crash, now: number, pace: Pace): CrashLoop {
  const { version, bornAt, wasUp } = crash;
  const reason = crash.reason.slice(0, MAX_REASON);
  if (loop === undefined || loop.inARow === 0) {
    const notBefore = now + pauseMs(1, pace);
    const total = (loop?.total ?? 0) + 1;
    const first = { inARow: 1, total, since: now, lastAt: now };
    return { version, reported: crash.reported, wasUp, ...first, notBefore, reason };
  }
  const known = { ...loop, reported: crash.reported ?? loop.reported, total: loop.total + 1, reason };
  // It ran before the last one died: the same crash, as far as the pace is concerned.
  if (bornAt <= loop.lastAt) return { ...known, notBefore: Math.max(loop.notBefore, now + pauseMs(1, pace)) };
  const inARow = loop.inARow + 1;
  return { ...known, wasUp, inARow, lastAt: now, notBefore: now + pauseMs(inARow, pace) };
}

/** When a version counts as healthy if nothing more dies; null: it does. */
export function healthyAt({ inARow, notBefore }: CrashLoop, { healthyAfterMs }: Pace): number | null {
  return inARow === 0 ? null : notBefore + healthyAfterMs;
}

/** A node died and is about to be launched anew, with no reason to think that the next one does not come. */
export function isBeingReplaced({ inARow, wasUp }: CrashLoop): boolean {
  return inARow === 1 && wasUp;
}

/** Of what a launch would start now. */
export function loopOfNext(state: OrchestratorState): CrashLoop | undefined {
  return state.crashLoops.get(launchedVersion(state));
}

export function noteLaunchCrash(tx: Transaction, crash: Crash): void {
  const loop = withCrash(tx.state.crashLoops.get(crash.version), crash, tx.now, tx.settings);
  setLoop(tx, loop);
  if (loop.inARow !== CRASH_LOOP_FROM || loop.lastAt !== tx.now) return;
  const { inARow, notBefore, reason, version } = loop;
  const seconds = Math.round((notBefore - tx.now) / 100) / 10;
  const text =
    `${nameOf(loop)} dies again and again: ${inARow} processes, one after the other. The next one is launched in ${seconds} s; ` +
    `that pause doubles, up to ${tx.settings.launchRetryMaxMs / 1000} s. A new version is launched at once. The last one: ${reason}`;
  tx.record('crashLoop', 'error', text, {
    version: loop.reported ?? version,
    inARow,
    retryMs: notBefore - tx.now,
    reason,
  });
}

function setLoop(tx: Transaction, loop: CrashLoop): void {
  const others = [...tx.state.crashLoops].filter(([version]) => version !== loop.version);
  tx.patch({ crashLoops: new Map([...others.slice(1 - KEPT_VERSIONS), [loop.version, loop]]) });
}

/** What has not died for so long is healthy. */
export function endCrashLoop(tx: Transaction, loop: CrashLoop): void {
  over(tx, loop, `none of its nodes died for ${tx.settings.healthyAfterMs / 1000} s`);
}

/** Where no version is known at a launch, the nodes say it: another one than the one that died is a repaired bot. */
export function onVersionSeen(tx: Transaction, reported: string): void {
  const loop = tx.state.crashLoops.get('');
  if (loop === undefined || loop.inARow === 0 || loop.reported === null || loop.reported === reported) return;
  over(tx, loop, `version ${reported} is another one`);
}

function over(tx: Transaction, loop: CrashLoop, why: string): void {
  setLoop(tx, { ...loop, inARow: 0 });
  const { version, reported, total } = loop;
  if (!isCrashLoop(loop)) return;
  const text = `${nameOf(loop)} dies no more: ${why}.`;
  tx.record('crashLoopOver', 'info', text, { version: reported ?? version, total });
}

function nameOf({ version, reported }: CrashLoop): string {
  const name = reported ?? version;
  return name === '' || name === 'unknown' ? 'The bot' : `Version ${name}`;
}

export function isAnyCrashLoop({ crashLoops }: OrchestratorState): boolean {
  return [...crashLoops.values()].some(isCrashLoop);
}

/** When a node's probation is over; null: it is on none. */
export function probationEndsAt({ crashLoops, processes }: OrchestratorState, node: NodeState): number | null {
  const process = processes.get(node.id);
  const loop = process === undefined ? undefined : crashLoops.get(process.version);
  return loop !== undefined && isCrashLoop(loop) ? node.joinedAt + PROBATION_MS : null;
}

export function isOnProbation(tx: Transaction, node: NodeState): boolean {
  return (probationEndsAt(tx.state, node) ?? 0) > tx.now;
}
