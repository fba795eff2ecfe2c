/**
 * Whether a connection still has its session, when nothing comes. Discord gives a session to one connection only; whether it closes the one
 * that had it before, or leaves it open and silent with its heartbeats acknowledged, is not known. So a session that has been at
 * another node is resumed anew when it has been quiet for a while. RESUME is free: where the session was ours nothing is replayed, and where
 * it was not, everything is that came meanwhile.
 *
 * Each time that nothing had come the next look is twice as far away, so that a bot without events does not reconnect all day.
 */

export type Quiet = {
  /** The next look. */
  readonly at: number;
  /** Whether something came since the last one. */
  readonly heard: boolean;
  /** How often in a row nothing had come. */
  readonly streak: number;
};

const LONGEST_MS = 600_000;

/** From here on the session is one that somebody else may take. */
export function watchQuiet(quietMs: number, now: number, draw: number, streak = 0): Quiet {
  const full = Math.min(LONGEST_MS, quietMs * 2 ** Math.min(streak, 10));
  return { at: now + full * (0.75 + draw / 4), heard: false, streak };
}

/** The look at `quiet.at`, and the next. */
export function look(quiet: Quiet, quietMs: number, now: number, draw: number): { quiet: Quiet; isDoubtful: boolean } {
  const streak = quiet.heard ? 0 : quiet.streak + 1;
  return { quiet: watchQuiet(quietMs, now, draw, streak), isDoubtful: !quiet.heard };
}
