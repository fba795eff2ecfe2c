/** What `--bot discordjs` adds to the verdict, and what is wrong with it in sentences. */
import type { CommandFigures } from './commands.js';
import type { CacheFigures } from './reference-client.js';

export type DiscordjsFigures = {
  /** Of the fleet against a client that never restarted: after two rollouts, and after a crash. */
  caches: CacheFigures;
  /** While the fleet was rolled out. */
  commands: CommandFigures;
  /** IDENTIFYs that two rollouts cost. */
  rolloutIdentifies: number;
  /** IDENTIFYs of the client that is compared with. */
  referenceIdentifies: number;
  /** Shards of the node that was killed: the caches of each cost an IDENTIFY. */
  crash: { shards: number };
  findings: readonly string[];
};

export function problemsOf({ caches, commands, rolloutIdentifies, findings }: DiscordjsFigures): string[] {
  return [
    caches.compared === 0 && 'no cache was compared',
    caches.different > 0 && `${caches.different} of ${caches.compared} fields of the caches are different`,
    commands.sent === 0 && 'no command was sent',
    commands.answered !== commands.sent && `${commands.sent} commands were sent and ${commands.answered} answered`,
    commands.twice > 0 && `${commands.twice} commands were answered more than once`,
    rolloutIdentifies > 0 && `the rollouts cost ${rolloutIdentifies} IDENTIFYs`,
    ...findings,
  ].filter((problem) => problem !== false);
}
