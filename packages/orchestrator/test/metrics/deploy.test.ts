/** The alert rules and the dashboard in `deploy/` ask for metrics, labels and values of labels that there are. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KINDS_OF_OPERATIONS } from '@dshard/api';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../src/metrics/metrics.js';
import { exposed } from './look.js';

const REPOSITORY = new URL('../../../../', import.meta.url);
const ALERTS = 'deploy/prometheus/alerts.yaml';

function textOf(path: string): string {
  return readFileSync(new URL(path, REPOSITORY), 'utf8');
}

type Rule = {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: Record<string, string>;
};
const alerts = parse(textOf(ALERTS)) as { groups: { name: string; rules: Rule[] }[] };
const rules = alerts.groups.flatMap((group) => group.rules);

type Panel = { title: string; targets?: { expr: string; legendFormat: string }[] };
const dashboard = JSON.parse(textOf('deploy/grafana/dashboard.json')) as { panels: Panel[] };
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);

/** The values that a label of a metric has in a fleet, where they are a list in the code. */
const known = new Map<string, Set<string>>();
for (const [, name = '', labels = ''] of exposed().matchAll(/^(\w+)\{(.*)\} \S+$/gm)) {
  for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
    const key = `${name}{${label}}`;
    known.set(key, (known.get(key) ?? new Set()).add(value));
  }
}
const OPEN_LABELS: ReadonlySet<string> = new Set(['node', 'version', 'host', 'zone', 'le', 'code', 'entry', 'status']);

/** What is wrong with the names in an expression. */
function faultsIn(expr: string): string[] {
  const faults: string[] = [];
  const used = [...expr.matchAll(/\b(dso_\w+)(?:\{([^}]*)\})?/g)];
  if (used.length === 0) faults.push('asks for no metric');
  const labels = new Set<string>();
  for (const [, written = '', matchers = ''] of used) {
    const name = written in METRICS ? written : written.replace(/_(bucket|sum|count)$/, '');
    const metric = METRICS[name];
    if (metric === undefined || (name !== written && metric.kind !== 'histogram')) {
      faults.push(`there is no metric ${written}`);
      continue;
    }
    for (const label of [...metric.labels, ...(written.endsWith('_bucket') ? ['le'] : [])]) labels.add(label);
    for (const [, label = '', comparison, value = ''] of matchers.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)) {
      if (!metric.labels.includes(label)) faults.push(`${name} has no label ${label}`);
      const values = known.get(`${name}{${label}}`);
      if (OPEN_LABELS.has(label) || comparison?.includes('~') === true) continue;
      if (values?.has(value) !== true && !KINDS_OF_OPERATIONS.some((kind) => kind === value)) {
        faults.push(`${name} has no ${label} "${value}"`);
      }
    }
  }
  for (const [, grouped = ''] of expr.matchAll(/\b(?:by|ignoring|on|without) \(([^)]*)\)/g)) {
    for (const label of grouped.split(',').map((each) => each.trim())) {
      if (label !== '' && !labels.has(label)) faults.push(`is grouped by ${label}, which no metric in it has`);
    }
  }
  return faults;
}

test.each([
  ['dso_shards{condition="upp"}', 'dso_shards has no condition "upp"'],
  ['dso_shard{condition="up"}', 'there is no metric dso_shard'],
  ['sum by (shard) (dso_shards)', 'is grouped by shard, which no metric in it has'],
  ['dso_shards{kind="up"}', 'dso_shards has no label kind'],
  ['rate(dso_shards_bucket[5m])', 'there is no metric dso_shards_bucket'],
  ['up == 0', 'asks for no metric'],
])('the check finds what is wrong in %s', (expr, fault) => {
  expect(faultsIn(expr)).toContain(fault);
});

describe('the alert rules', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks for what there is', (_, { expr }) => {
    expect(faultsIn(expr)).toEqual([]);
  });

  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s says how grave it is, what is wrong, and where the guide says what to do',
    (name, { labels, annotations }) => {
      expect(['warning', 'critical']).toContain(labels.severity);
      expect(annotations['summary']).toMatch(/\.$/);
      const guide = /\/blob\/main\/(docs\/guide\/monitoring\.md)#(\w+)$/.exec(annotations['runbook_url'] ?? '');
      expect(guide?.[2]).toBe(name.toLowerCase());
      expect(textOf(guide?.[1] ?? '')).toContain(`\n### ${name}\n`);
    },
  );

  test('each has a name of its own, and the guide explains no alert that there is not', () => {
    const names = rules.map(({ alert }) => alert);
    expect(names).toHaveLength(new Set(names).size);
    const explained = [...textOf('docs/guide/monitoring.md').matchAll(/^### (Dso\w+)$/gm)].map(([, name]) => name);
    expect(explained).toEqual(names);
  });
});

describe('the dashboard', () => {
  test.each(queries.map(({ title, expr }) => [title, expr] as const))('%s asks for what there is: %s', (_, expr) => {
    expect(faultsIn(expr)).toEqual([]);
  });

  test('names series by labels that their metrics have', () => {
    const wrong = queries.filter(({ expr, legendFormat }) => {
      const names = [...expr.matchAll(/\bdso_\w+/g)].map(
        ([name]) => METRICS[name] ?? METRICS[name.replace(/_(bucket|sum|count)$/, '')],
      );
      const labels = new Set(['le', ...names.flatMap((metric) => metric?.labels ?? [])]);
      return [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].some(([, label = '']) => !labels.has(label));
    });
    expect(wrong).toEqual([]);
  });

  test('shows nothing twice, and every panel has a title', () => {
    const titles = dashboard.panels.map(({ title }) => title);
    expect(titles).toHaveLength(new Set(titles).size);
    expect(titles.every((title) => title.length > 0)).toBe(true);
  });
});

const isInstalled = spawnSync('promtool', ['--version']).error === undefined;
if (!isInstalled)
  process.stderr.write('promtool is not installed (Debian: prometheus): it does not check the alert rules.\n');

describe.runIf(isInstalled)('promtool, where it is installed,', () => {
  test('finds nothing wrong with the alert rules', () => {
    const file = fileURLToPath(new URL(ALERTS, REPOSITORY));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(status).toBe(0);
  });

  test('sees the rules fire and rest in fleets that are made up', () => {
    const file = fileURLToPath(new URL('./alerts.promtool.yaml', import.meta.url));
    expect(existsSync(file)).toBe(true);
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toContain('SUCCESS');
    expect(status).toBe(0);
  });
});
