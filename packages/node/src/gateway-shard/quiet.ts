/**
 * Whether a connection still hears, when nothing comes. A socket can acknowledge heartbeats for hours and deliver
 * nothing. Nobody but the shard itself can notice, by what is usual for the shard; and a RESUME finds out. RESUME is
 * free: where nothing was missed nothing is replayed, and otherwise everything is that came meanwhile.
 *
 *     a session that began here    is doubted when the silence is unusual: several times the longest one of late. A guild that is
 *                                  quiet at night has a long one of late. Of a new shard nobody knows what is usual: it gets longer
 *     one that was elsewhere       is doubted after any silence of `quietMs`. Discord gives a session to one connection only;
 *                                  whether the connection that had it before is closed, or left open and silent, is not known
 *
 * Each time that a RESUME brought nothing the next one is twice as far away. When several in a row brought nothing, in
 * an unusual silence, somebody is told (`silentFor`): nothing is restarted.
 */

export type Quiet = {
  /** The look before, and the next. */
  readonly from: number;
  readonly at: number;
  /** Whether something came since the last look. `deaf`: only because of a RESUME. */
  readonly heard: boolean;
  readonly deaf: boolean;
  /** The session has been at another node, so somebody else may take it. */
  readonly foreign: boolean;
  /** How often in a row nothing had come. */
  readonly streak: number;
  /** Looks at which something had come, up to `USUAL_FROM`: from then on it is known what is usual. */
  readonly busy: number;
  /** The longest silence of late that ended by itself. */
  readonly longestMs: number;
  /** The silence at the last look, and how many RESUMEs there were in it. */
  readonly silentMs: number;
  readonly probes: number;
};

const LONGEST_WAIT_MS = 600_000;
const USUAL_FROM = 10;
/** A silence is unusual at so many times the longest one of late, and never within two looks. */
const UNUSUAL = 3;
const UNUSUAL_LOOKS = 2;
const UNUSUAL_LOOKS_OF_A_NEW_SHARD = 10;
/** The longest silence is forgotten by and by: half of it in so long. */
const HALF_LIFE_MS = 12 * 3_600_000;
const TOLD_AFTER_PROBES = 3;

type Draw = { now: number; draw: number };

/** @param before the watch before, which knows what is usual. */
export function watchQuiet(quietMs: number, { now, draw }: Draw, foreign: boolean, before: Quiet | null = null): Quiet {
  const { busy, longestMs } = before ?? { busy: 0, longestMs: 0 };
  const anew = { heard: false, deaf: false, streak: 0, silentMs: 0, probes: 0 };
  return { from: now, at: nextLook(quietMs, { now, draw }, 0), foreign, busy, longestMs, ...anew };
}

/** Not all shards at once. */
function nextLook(quietMs: number, { now, draw }: Draw, streak: number): number {
  const full = Math.min(Math.max(quietMs, LONGEST_WAIT_MS), quietMs * 2 ** Math.min(streak, 10));
  return now + full * (0.75 + draw / 4);
}

/** Something came. The same object: that is known already. */
export function hear(quiet: Quiet, isReplayed: boolean): Quiet {
  return quiet.heard ? quiet : { ...quiet, heard: true, deaf: isReplayed && quiet.probes > 0 };
}

/** The look at `quiet.at`, and the next. */
export function look(quiet: Quiet, quietMs: number, moment: Draw): { quiet: Quiet; isDoubtful: boolean } {
  const elapsedMs = moment.now - quiet.from;
  const streak = quiet.heard ? 0 : quiet.streak + 1;
  const at = nextLook(quietMs, moment, quiet.foreign ? streak : 0);
  const next = { ...quiet, from: moment.now, at, streak, heard: false, deaf: false };
  if (quiet.heard) {
    const faded = quiet.longestMs * 2 ** (-elapsedMs / HALF_LIFE_MS);
    const longestMs = Math.max(faded, quiet.deaf ? 0 : quiet.silentMs);
    const busy = Math.min(USUAL_FROM, quiet.busy + 1);
    return { quiet: { ...next, busy, longestMs, silentMs: 0, probes: 0 }, isDoubtful: false };
  }
  const silent = { ...next, silentMs: quiet.silentMs + elapsedMs };
  const isDoubtful = quiet.foreign || silent.silentMs >= unusualMs(quiet, quietMs) * 2 ** quiet.probes;
  return { quiet: isDoubtful ? { ...silent, probes: quiet.probes + 1 } : silent, isDoubtful };
}

function isUsualKnown({ busy }: Quiet): boolean {
  return busy >= USUAL_FROM;
}

function unusualMs(quiet: Quiet, quietMs: number): number {
  const looks = isUsualKnown(quiet) ? UNUSUAL_LOOKS : UNUSUAL_LOOKS_OF_A_NEW_SHARD;
  return Math.max(looks * quietMs, UNUSUAL * quiet.longestMs);
}

/** When something surely came last on a connection that is up. */
export function heardLast(quiet: Quiet | null, now: number): number {
  return quiet === null || quiet.heard ? now : quiet.from - quiet.silentMs;
}

/** How long nothing has come, where that is unusual and RESUMEs brought nothing. null: all is well. */
export function silentFor(quiet: Quiet | null, quietMs: number): number | null {
  if (quiet === null || quiet.heard || !isUsualKnown(quiet) || quiet.probes < TOLD_AFTER_PROBES) return null;
  return quiet.silentMs >= unusualMs(quiet, quietMs) * 2 ** (TOLD_AFTER_PROBES - 1) ? Math.round(quiet.silentMs) : null;
}
