/** `dso status --watch`: what is drawn, and that it goes on over a restart of the orchestrator. */
import { until, virtualClock } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testServer } from '../../../orchestrator/test/http/test-server.js';
import { displayOn } from '../../src/status/watch.js';
import { startDso } from '../dso.js';
import { fakeFleet, up } from '../fake-fleet.js';

async function someStatus() {
  const { address } = await fakeFleet();
  return (await (await fetch(`http://${address}/v1/status`)).json()) as never;
}

describe('what is drawn', () => {
  test('stands in one place on a terminal, never higher than that is, and the terminal comes back as it was', async () => {
    const status = await someStatus();
    let written = '';
    const stream = { isTTY: true, columns: 60, rows: 6, write: (text: string) => (written += text) };
    const display = displayOn(stream, false, virtualClock());
    display.show({ status, silentMs: 0 });
    const first = written;
    expect(first.startsWith('\u001b[?1049h')).toBe(true);
    expect(first.split('\n')).toHaveLength(5);
    expect(first).toMatch(/… \d+ more lines/);
    written = '';
    display.show({ status, silentMs: 7_000 });
    expect(written.startsWith('\u001b[H')).toBe(true);
    expect(written).toContain('does not answer for 7s; this is old');
    written = '';
    display.end();
    expect(written.startsWith('\u001b[?25h\u001b[?1049l4 shards: 3 up, 1 vacant')).toBe(true);
  });

  test('is a line for each change elsewhere', async () => {
    const status = await someStatus();
    const lines: string[] = [];
    const display = displayOn({ write: (text: string) => lines.push(text) }, false, virtualClock());
    for (const silentMs of [0, 5, 0, 9_000, 10_000, 0]) display.show({ status, silentMs });
    expect(lines.map((line) => line.slice('00:00:00.000  '.length).split(':')[0]?.trim())).toEqual([
      '4 shards',
      'The orchestrator does not answer; waiting …',
      '4 shards',
    ]);
  });
});

test('goes on when the orchestrator is restarted, and ends with Ctrl-C', async () => {
  const before = await testServer();
  const address = await before.server.start();
  const dso = startDso(['status', '--watch', '--address', address]);
  onTestFinished(() => void dso.child.kill('SIGKILL'));
  await until(() => dso.stdout.includes('4 shards: 0 up'), { what: 'the first line' });
  await before.server.close();
  await until(() => dso.stdout.includes('does not answer'), { what: 'word of the outage' });

  const after = await testServer({ listen: address });
  after.orchestrator.state = { ...after.orchestrator.state, totalShards: 1, shards: [up('web-1')] };
  await after.server.start();
  onTestFinished(() => after.server.close());
  await until(() => dso.stdout.includes('1 shard: 1 up'), { what: 'the status of the next orchestrator' });
  dso.child.kill('SIGINT');
  expect(await dso.done).toMatchObject({ code: 130, stderr: '' });
});

test('refuses at once where nobody listens', async () => {
  const { code, stderr } = await startDso(['status', '--watch', '--address', '127.0.0.1:1']).done;
  expect([code, stderr]).toEqual([3, expect.stringMatching(/Nobody listens/)]);
});
