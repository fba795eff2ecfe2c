import { encodeMessage } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { HostReports } from '../src/host-reports.js';
import type { ShardHost } from '../src/shard-host.js';

const session = { sessionId: 's', sequence: 7, resumeGatewayUrl: '' };
const good = { shardId: 3, phase: 'ready', pingMs: 12.5, guilds: 4, events: 9, session };
const unknown = { shardId: 3, phase: 'connecting', pingMs: -1, guilds: -1, events: 0, session: null };

/** What becomes of what a host returns, and what is said of it when it is asked twice. */
function taken(report: () => unknown) {
  const complaints: string[] = [];
  const reports = new HostReports({ report } as unknown as ShardHost, (text) => complaints.push(text));
  const first = reports.take();
  expect(reports.take()).toEqual(first);
  const process = { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 1 };
  // Whatever it is, it can be sent.
  encodeMessage({ kind: 'heartbeat', sequence: 1, shards: first, process });
  return { reports: first, complaints };
}

describe('the report of a host', () => {
  test('is taken as it is when it is right', () => {
    expect(taken(() => [good])).toEqual({ reports: [good], complaints: [] });
  });

  test('may leave out what it does not know', () => {
    expect(taken(() => [{ shardId: 3 }])).toEqual({ reports: [unknown], complaints: [] });
    expect(taken(() => [{ ...good, session: undefined, pingMs: null }])).toEqual({
      reports: [{ ...good, session: null, pingMs: -1 }],
      complaints: [],
    });
  });

  test.each<[what: string, given: unknown, reports: unknown[], complaint: RegExp]>([
    ['no list', { 3: good }, [], /what it returns is \{ '3'/],
    ['a list of something else', ['ready'], [], /shardId is 'ready'/],
    ['a shard without a number', [{ ...good, shardId: '3' }], [], /shardId is '3'/],
    ['a phase there is not', [{ ...good, phase: 'READY' }], [{ ...good, phase: 'connecting' }], /phase is 'READY'/],
    ['a ping that is none', [{ ...good, pingMs: NaN }], [{ ...good, pingMs: -1 }], /pingMs is NaN/],
    ['guilds by halves', [{ ...good, guilds: 1.5 }], [{ ...good, guilds: -1 }], /guilds is 1.5/],
    ['fewer events than none', [{ ...good, events: -2 }], [{ ...good, events: 0 }], /events is -2/],
    [
      'a session without its id',
      [{ ...good, session: { sequence: 1 } }],
      [{ ...good, session: null }],
      /session is \{/,
    ],
  ])('is made fit, and that is said once, when it has %s', (_, given, reports, complaint) => {
    const { reports: got, complaints } = taken(() => given);
    expect(got).toEqual(reports);
    expect(complaints).toEqual([expect.stringMatching(complaint)]);
  });

  test('is taken as empty when the host throws, which is said', () => {
    const { reports, complaints } = taken(() => {
      throw new Error('not yet');
    });
    expect(reports).toEqual([]);
    expect(complaints[0]).toMatch(/report failed: not yet/);
  });
});
