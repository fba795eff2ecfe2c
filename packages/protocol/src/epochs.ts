/**
 * Epochs only grow, and everybody keeps to the highest that was seen: a made-up one near the end of the numbers would be the last. An honest
 * counter begins at the clock and grows slower than the clock, so one far ahead of it is nobody's.
 */

const DAY_MS = 86_400_000;

/** How far ahead of the reader's clock an epoch may be: clocks are set back, and some begin wrong. */
const SLACK_MS = 400 * DAY_MS;

/** The highest that an orchestrator believes. What it counted itself may be higher, after its clock was set back. */
export function highestFromNode(now: number): number {
  return Math.floor(now) + SLACK_MS;
}

/** The highest that a node believes: an orchestrator that counts on from the highest it believed is believed, by a slower clock, too. */
export function highestFromOrchestrator(now: number): number {
  return highestFromNode(now) + DAY_MS;
}
