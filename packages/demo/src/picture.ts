/** What the demo shows: plain data in, lines of text out. */
import { shardRanges } from '@dshard/api';
import Table from 'cli-table3';

export type NodeRow = {
  id: string;
  version: string;
  state: string;
  shards: readonly number[];
  moving: readonly number[];
  handled: number;
};

export type StepRow = { text: string; state: 'running' | 'done' | 'failed'; tookMs: number | null };

export type Picture = {
  elapsedMs: number;
  steps: readonly StepRow[];
  nodes: readonly NodeRow[];
  emitted: number;
  handled: number;
  identifies: number;
  shards: number;
  /** The last lines of the orchestrator's log. */
  log: readonly string[];
};

const MARKS = { running: '…', done: '✔', failed: '✘' } as const;

/** The picture as lines no wider than `columns`. */
export function drawPicture(picture: Picture, columns: number): string[] {
  const table = new Table({
    head: ['node', 'version', 'state', 'shards', 'moving', 'events handled'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'left', 'left', 'left', 'right'],
  });
  for (const node of picture.nodes) {
    table.push([
      node.id,
      node.version,
      node.state,
      ranges(node.shards),
      ranges(node.moving),
      node.handled.toLocaleString('en'),
    ]);
  }
  const inFlight = Math.max(0, picture.emitted - picture.handled);
  return [
    `dshardorchestrator demo · ${(picture.elapsedMs / 1000).toFixed(1)} s`,
    '',
    ...picture.steps.map(stepLine),
    '',
    ...table.toString().split('\n'),
    `Discord emitted ${picture.emitted.toLocaleString('en')} events, the bot handled ${picture.handled.toLocaleString('en')}` +
      ` (${inFlight.toLocaleString('en')} on their way) · IDENTIFYs ${picture.identifies} for ${picture.shards} shards`,
    '',
    ...picture.log.map((line) => `  ${line}`),
  ].map((line) => clip(line, columns));
}

export function stepLine(step: StepRow): string {
  const took = step.tookMs === null ? '' : ` (${formatMs(step.tookMs)})`;
  return `${MARKS[step.state]} ${step.text}${took}`;
}

export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function clip(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

/** `0-3, 7`; nothing is `–`. */
function ranges(shards: readonly number[]): string {
  return shardRanges(shards, '-') || '–';
}
