/**
 * Samples as text: in the format of Prometheus (0.0.4), or in that of OpenMetrics (1.0), which differs by the names of
 * counters in comments, by how whole numbers are written, and by its last line.
 */
import type { Histogram } from '@dshard/api';
import type { Ledger, Metrics } from './ledger.js';
import type { Metric, Sample } from './metric.js';

export type Exposition = 'prometheus' | 'openMetrics';

export const CONTENT_TYPES: Readonly<Record<Exposition, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** What somebody wants who accepts this. */
export function expositionFor(accept: string | undefined): Exposition {
  return accept?.includes('application/openmetrics-text') === true ? 'openMetrics' : 'prometheus';
}

export function expose<Seen>(metrics: Metrics<Seen>, ledger: Ledger, look: Seen, exposition: Exposition): string {
  const lines: string[] = [];
  const isOpen = exposition === 'openMetrics';
  for (const [name, metric] of Object.entries(metrics)) {
    const family = isOpen && metric.kind === 'counter' ? name.replace(/_total$/, '') : name;
    lines.push(`# HELP ${family} ${escapedHelp(metric.help)}`, `# TYPE ${family} ${metric.kind}`);
    addSamples(lines, name, metric, { ledger, look, isOpen });
  }
  if (isOpen) lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

type From<Seen> = { ledger: Ledger; look: Seen; isOpen: boolean };

function addSamples<Seen>(lines: string[], name: string, metric: Metric<Seen>, from: From<Seen>): void {
  const { ledger, look, isOpen } = from;
  if ('read' in metric) {
    for (const sample of metric.read(look)) addSample(lines, name, metric, sample);
    return;
  }
  for (const series of ledger.series(name)) {
    if ('total' in series) addSample(lines, name, metric, [series.total, ...series.labels]);
    else addHistogram(lines, name, labelsOf(metric.labels, series.labels), series.histogram, isOpen);
  }
}

function addSample(
  lines: string[],
  name: string,
  { labels }: Pick<Metric, 'labels'>,
  [value, ...values]: Sample,
): void {
  if (value !== null) lines.push(`${name}${inBraces(labelsOf(labels, values))} ${value}`);
}

function addHistogram(lines: string[], name: string, labels: string, histogram: Histogram, isOpen: boolean): void {
  const { bounds, counts, count, sum } = histogram;
  const rest = labels === '' ? '' : `${labels},`;
  let below = 0;
  for (const [bucket, bound] of bounds.entries()) {
    below += counts[bucket] ?? 0;
    const le = isOpen && Number.isInteger(bound) ? `${bound}.0` : String(bound);
    lines.push(`${name}_bucket{${rest}le="${le}"} ${below}`);
  }
  lines.push(`${name}_bucket{${rest}le="+Inf"} ${count}`);
  lines.push(`${name}_sum${inBraces(labels)} ${sum}`, `${name}_count${inBraces(labels)} ${count}`);
}

function inBraces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

/** Thousands of nodes have tens of samples each: no list is made for one label. */
function labelsOf(names: readonly string[], values: readonly string[]): string {
  const [first] = names;
  if (first === undefined) return '';
  if (names.length === 1) return `${first}="${escaped(values[0] ?? '')}"`;
  return names.map((name, index) => `${name}="${escaped(values[index] ?? '')}"`).join(',');
}

const NEEDS_ESCAPE = /[\\"\n]/;

/** Versions, hosts and node ids are what other programs say. */
function escaped(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapedHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
