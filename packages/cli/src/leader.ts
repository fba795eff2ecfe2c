/** Of several orchestrators, the one that leads: it is ready, and the others say that they are standbys. */
import { printable } from '@dshard/protocol';
import { readinessOf } from './client.js';
import type { Target } from './connection-options.js';
import { CliError } from './errors.js';

type Answer = { target: Target; ready: boolean; isStandby: boolean; leader: string | null };

/** Asks nobody where there is no choice. Rejects with DSO_CLI_UNREACHABLE. */
export async function leaderAmong(targets: readonly [Target, ...Target[]]): Promise<Target> {
  const [first, ...others] = targets;
  if (others.length === 0) return first;
  const asked = targets.map((target) => answerOf(target));
  const ready = asked.map(async (asking) => {
    const answer = await asking;
    if (answer?.ready !== true) throw new Error('It is not ready.');
    return answer.target;
  });
  return Promise.any(ready).catch(async () => {
    const answers = (await Promise.all(asked)).filter((answer) => answer !== null);
    // A leader that cannot write its store, or has just begun, is not ready, and says why.
    const other = answers.find(({ isStandby }) => !isStandby);
    if (other !== undefined) return other.target;
    throw nobodyLeads(targets, answers);
  });
}

async function answerOf(target: Target): Promise<Answer | null> {
  const answer = await readinessOf(target);
  if (answer === null) return null;
  const { status, document } = answer;
  const leader = document['Leader'];
  return {
    target,
    ready: status === 200 && document['ready'] === true,
    isStandby: 'Leader' in document,
    leader: typeof leader === 'string' ? printable(leader) : null,
  };
}

function nobodyLeads(targets: readonly Target[], answers: readonly Answer[]): CliError {
  const all = targets.map(({ url }) => url).join(', ');
  const elsewhere = answers.find(({ leader }) => leader !== null)?.leader ?? null;
  if (answers.length === 0) {
    const wayOut = 'Start an orchestrator with `dso up`, or say where it is with --address or DSO_CLI_ADDR';
    return new CliError('DSO_CLI_UNREACHABLE', `No orchestrator answers at ${all}. ${wayOut}.`);
  }
  const where = elsewhere === null ? 'nobody leads now' : `the one that leads is to be reached at ${elsewhere}`;
  return new CliError('DSO_CLI_UNREACHABLE', `Only standbys answer at ${all}; ${where}.`);
}
