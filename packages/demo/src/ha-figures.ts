/** What scenario `ha` measures, and what of it is amiss. Times are told and not judged: a busy machine is slow. */

export type HaFigures = {
  /** Whether each orchestrator had a host name and processes of its own (namespaces), or the machine's. */
  separateHosts: boolean;
  lease: string;
  /** After kill -9 of the leader, until the other one led; and until it had heard from its nodes. */
  leadershipMs: number;
  actsMs: number;
  /** How long the leader could not write its store: a restart, and a fail-over to the synchronous standby. */
  databaseRestartMs: number;
  failOverMs: number;
  /** Of the leader: at the start, after its end, and after what befell the database. */
  epochs: readonly [number, number, number];
  /** In the middle of which something happened, and which went on to their end. */
  rollouts: number;
};

const ROLLOUTS = 3;

export function haProblems({ epochs, rollouts }: HaFigures): string[] {
  const [first, second, third] = epochs;
  return [
    second !== first + 1 && `leadership went from epoch ${first} to ${second}, though the leader died once`,
    third !== second && `leadership went from epoch ${second} to ${third}, though only the database was away`,
    rollouts !== ROLLOUTS && `${rollouts} of ${ROLLOUTS} rollouts came to their end`,
  ].filter((problem) => problem !== false);
}
