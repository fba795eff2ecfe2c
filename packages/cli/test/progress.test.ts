import { describe, expect, test } from 'vitest';
import type { OperationStatus } from '@dshard/api';
import { until, virtualClock } from '@dshard/testkit';
import type { Client } from '../src/client.js';
import { CliError } from '../src/errors.js';
import { endOf } from '../src/progress.js';

const running: OperationStatus = {
  id: 'd7',
  kind: 'drain',
  state: 'running',
  parent: null,
  waitsFor: null,
  etaMs: 30_000,
  text: 'Moving the shards of a to b: 1 of 4 moved.',
  by: 'alice',
  cancelledBy: null,
  origin: 'a',
  destination: 'b',
  shards: { moved: 1, total: 4, moving: [3], waiting: [4, 5] },
  failed: [],
  nodes: null,
  startedAt: 0,
  endedAt: null,
};
const done: OperationStatus = { ...running, state: 'done', text: 'Moved 4 shards.', shards: null, endedAt: 9 };
const away = new CliError('DSO_CLI_UNREACHABLE', 'Nobody listens.');
const starting = new CliError('DSO_CLI_REFUSED', 'The orchestrator is starting.', { status: 503 });

/** Answers as told, the last answer for ever; counts how often it was asked. */
function asked(...answers: readonly (OperationStatus | Error)[]) {
  const asking = { times: 0 };
  const ask = async (): Promise<OperationStatus> => {
    const answer = answers[Math.min(asking.times, answers.length - 1)];
    asking.times += 1;
    if (answer === undefined || answer instanceof Error) throw answer;
    return answer;
  };
  return { asking, client: { ask } as Pick<Client, 'ask'> };
}

function terminal(isTTY = true) {
  const written: string[] = [];
  return { written, stream: { isTTY, columns: 30, write: (text: string) => written.push(text) } };
}

describe('the end of an operation', () => {
  test('is waited for, and meanwhile a terminal shows how far it is, in one line that goes away at the end', async () => {
    const clock = virtualClock();
    const { asking, client } = asked(running, done);
    const { written, stream } = terminal();
    const end = endOf('d7', { client, stream, clock });
    await until(() => written.length === 1, { what: 'a line' });
    expect(written[0]).toBe('\r\u001b[K[##....] 1/4, 30 s left  Mov…');
    await clock.run(250);
    expect(await end).toEqual(done);
    expect(written.at(-1)).toBe('\r\u001b[K');
    await clock.run(5_000);
    expect(asking.times).toBe(2);
  });

  test('is waited for with plain lines where there is no terminal, and not with a line for every look', async () => {
    const clock = virtualClock();
    const moved = (count: number): OperationStatus => ({
      ...running,
      shards: { moved: count, total: 400, moving: [], waiting: [] },
      text: `Moving\u001b[2J the shards of a to b: ${count} of 400 moved.`,
    });
    const { client } = asked(...Array.from({ length: 40 }, (_, count) => moved(count)), done);
    const { written, stream } = terminal(false);
    const end = endOf('d7', { client, stream, clock });
    await clock.run(20_000);
    expect(await end).toEqual(done);
    expect(written.length).toBeLessThanOrEqual(3);
    expect(written[0]).toBe('drain d7: 0 of 400 shards, 30 s left. Moving the shards of a to b: 0 of 400 moved.\n');
    expect(written.join('')).toMatch(/^[ -~\n]*$/);
  });

  test('is waited for with a sign of life a minute where nothing changes', async () => {
    const clock = virtualClock();
    let looks = 0;
    const ask = async () => ((looks += 1), { ...running, etaMs: 1_000 * looks });
    const { written, stream } = terminal(false);
    void endOf('d7', { client: { ask } as never, stream, clock });
    await clock.run(125_000);
    expect(written.length).toBe(3);
  });

  test('is waited for with the whole reason on a terminal too narrow for it', async () => {
    const clock = virtualClock();
    const waitsFor = 'a shard is moved when it is up, and these are not: 4, 5';
    const { client } = asked({ ...running, waitsFor, etaMs: null }, { ...running, waitsFor, etaMs: null }, done);
    const { written, stream } = terminal();
    const end = endOf('d7', { client, stream, clock });
    await clock.run(1_000);
    await end;
    expect(written.filter((line) => line.includes('It waits'))).toEqual([`\r\u001b[KIt waits: ${waitsFor}.\n`]);
    expect(written[1]).toBe('\r\u001b[K[##....] 1/4  waits: a shard…');
  });

  // A deploy restarts the orchestrator as well: `dso rollout` failed then, although the rollout went on.
  test('is waited for through a restart of the orchestrator', async () => {
    const clock = virtualClock();
    const { client } = asked(running, away, away, starting, running, done);
    const { written, stream } = terminal();
    const end = endOf('d7', { client, stream, clock });
    await clock.run(2_000);
    expect(await end).toEqual(done);
    expect(written.join('')).toContain('The orchestrator does not ');
  });

  test('is not waited for any longer when nobody answers for a minute', async () => {
    const clock = virtualClock();
    const { asking, client } = asked(running, away);
    const end = expect(endOf('d7', { client, stream: terminal().stream, clock })).rejects.toBe(away);
    await clock.run(61_000);
    await end;
    expect(asking.times).toBeGreaterThan(200);
  });

  test('is not waited for when the orchestrator does not know the operation', async () => {
    const unknown = new CliError('DSO_CLI_REFUSED', 'There is no operation "d7".', { status: 404 });
    const { client } = asked(unknown);
    await expect(endOf('d7', { client, stream: terminal().stream, clock: virtualClock() })).rejects.toBe(unknown);
  });
});
