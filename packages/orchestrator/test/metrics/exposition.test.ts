import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expose, expositionFor } from '../../src/metrics/exposition.js';
import { Ledger, type Metrics } from '../../src/metrics/ledger.js';
import { exposed } from './look.js';

type Seen = { readonly name: string };

const METRICS: Metrics<Seen> = {
  dso_nodes: { kind: 'gauge', help: 'A "back\\slash"\nand a line.', labels: [], read: () => [[3], [null]] },
  dso_named: { kind: 'gauge', help: 'Named.', labels: ['name', 'other'], read: ({ name }) => [[0.5, name, 'b']] },
  dso_asked_total: {
    kind: 'counter',
    help: 'Asked.',
    labels: ['status'],
    zeros: [['200']],
    on: { request: ({ status }) => [[1, String(status)]] },
  },
  dso_took_seconds: {
    kind: 'histogram',
    help: 'Took.',
    labels: ['what'],
    bounds: [0.5, 1],
    zeros: [],
    on: { commit: ({ ms }) => [[ms / 1_000, 'commit']] },
  },
};

function ledgerOf(): Ledger {
  const ledger = new Ledger(METRICS);
  ledger.request({ entry: 'status', status: 404 });
  for (const ms of [500, 700, 9_000]) ledger.commit({ ms, writes: 1, entries: 1, ok: true });
  return ledger;
}

describe('samples as text', () => {
  test('are what Prometheus reads', () => {
    expect(expose(METRICS, ledgerOf(), { name: 'a"\\\nb' }, 'prometheus')).toBe(
      [
        '# HELP dso_nodes A "back\\\\slash"\\nand a line.',
        '# TYPE dso_nodes gauge',
        'dso_nodes 3',
        '# HELP dso_named Named.',
        '# TYPE dso_named gauge',
        'dso_named{name="a\\"\\\\\\nb",other="b"} 0.5',
        '# HELP dso_asked_total Asked.',
        '# TYPE dso_asked_total counter',
        'dso_asked_total{status="200"} 0',
        'dso_asked_total{status="404"} 1',
        '# HELP dso_took_seconds Took.',
        '# TYPE dso_took_seconds histogram',
        'dso_took_seconds_bucket{what="commit",le="0.5"} 1',
        'dso_took_seconds_bucket{what="commit",le="1"} 2',
        'dso_took_seconds_bucket{what="commit",le="+Inf"} 3',
        'dso_took_seconds_sum{what="commit"} 10.2',
        'dso_took_seconds_count{what="commit"} 3',
        '',
      ].join('\n'),
    );
  });

  test('are what OpenMetrics asks for: families without _total, bounds as numbers with a point, and an end', () => {
    const text = expose(METRICS, ledgerOf(), { name: 'a' }, 'openMetrics');
    expect(text).toContain('# TYPE dso_asked counter\ndso_asked_total{status="200"} 0\n');
    expect(text).toContain('dso_took_seconds_bucket{what="commit",le="1.0"} 2\n');
    expect(text.endsWith('\n# EOF\n')).toBe(true);
  });

  test('one line is one sample, whatever a node calls itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const text = expose(METRICS, new Ledger(METRICS), { name }, 'prometheus');
        const [line = ''] = text.split('\n').filter((each) => each.startsWith('dso_named{'));
        const [, written = ''] = /^dso_named\{name="((?:[^"\\\n]|\\.)*)",other="b"\} 0\.5$/su.exec(line) ?? [];
        const read = written.replaceAll(/\\(.)/gsu, (_, char: string) => (char === 'n' ? '\n' : char));
        expect(read).toBe(name);
      }),
    );
  });

  test.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain;version=0.0.4', 'prometheus'],
    ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1', 'openMetrics'],
  ])('whoever accepts %s gets %s', (accept, exposition) => {
    expect(expositionFor(accept)).toBe(exposition);
  });
});

const promtool = spawnSync('promtool', ['--version']);
const isInstalled = promtool.error === undefined;
if (!isInstalled)
  process.stderr.write('promtool is not installed (Debian: prometheus): what it says of metrics is not tried.\n');

test.runIf(isInstalled)('promtool, where it is installed, has nothing to say against all metrics', () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposed(),
    encoding: 'utf8',
  });
  expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
});
