/** How far an operation is, in one line: with a bar, as wide as the terminal, or plain, for logs. */
import { counted, printable } from '@dshard/protocol';
import type { OperationStatus } from '@dshard/api';
import { spanText } from './output/times.js';

type Figures = { done: number; total: number; of: 'shard' | 'node' };

/** null: nothing that could be counted is known yet. */
function figuresOf({ shards, nodes }: OperationStatus): Figures | null {
  if (shards !== null && shards.total > 0) return { done: shards.moved, total: shards.total, of: 'shard' };
  return nodes !== null && nodes.total > 0 ? { done: nodes.done, total: nodes.total, of: 'node' } : null;
}

const WIDEST_BAR = 24;
const SMALLEST_BAR = 6;

/** `[####....] 5/12, 30 s left  Moving the shards of …`, never longer than the line. */
export function barLine(status: OperationStatus, columns: number): string {
  const figures = figuresOf(status);
  const { text, waitsFor, etaMs } = status;
  const what = waitsFor === null ? text : `waits: ${waitsFor}`;
  if (figures === null) return clipped(what, columns);
  const { done, total } = figures;
  const left = etaMs === null ? '' : `, ${spanText(etaMs)} left`;
  return clipped(`${bar(done / total, columns)} ${done}/${total}${left}  ${what}`, columns);
}

function bar(share: number, columns: number): string {
  const width = Math.min(WIDEST_BAR, Math.max(SMALLEST_BAR, Math.floor(columns / 5)));
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}]`;
}

/** One column stays free: a full line would make the terminal begin another one. */
export function clipped(text: string, columns: number): string {
  const characters = Array.from(printable(text));
  const room = Math.max(1, columns - 1);
  return characters.length <= room ? characters.join('') : `${characters.slice(0, room - 1).join('')}…`;
}

/** `rollout r12: 5 of 12 shards, 30 s left. Moving the shards of …` */
export function plainLine(status: OperationStatus): string {
  const figures = figuresOf(status);
  const { kind, id, text, etaMs } = status;
  const left = etaMs === null ? '' : `, ${spanText(etaMs)} left`;
  const count = figures === null ? '' : ` ${figures.done} of ${counted(figures.total, figures.of)}${left}.`;
  return printable(`${kind} ${id}:${count} ${text}`);
}
