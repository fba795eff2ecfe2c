/**
 * Where each cell of the map is, in CSS pixels, for a width. Cells are as large as the number of shards lets them be;
 * node panels stand beside each other, by host, as many as fit.
 */
import type { CellGroup } from './groups.js';

export type Cell = { readonly shard: number; readonly x: number; readonly y: number };
type Panel = {
  readonly group: CellGroup;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};
type HostTitle = { readonly host: string; readonly y: number; readonly nodes: number; readonly shards: number };

export type MapLayout = {
  readonly size: number;
  readonly gap: number;
  readonly width: number;
  readonly height: number;
  readonly cells: readonly Cell[];
  readonly panels: readonly Panel[];
  readonly hosts: readonly HostTitle[];
  /** By shard. */
  readonly cellOf: ReadonlyMap<number, Cell>;
};

const PANEL_TITLE = 26;
const PANEL_PADDING = 10;
const PANEL_GAP = 12;
const HOST_TITLE = 32;
const PANEL_LEAST = 148;

/** The more shards, the smaller their cells. */
function cellSize(shards: number): { size: number; gap: number } {
  if (shards <= 48) return { size: 26, gap: 4 };
  if (shards <= 256) return { size: 18, gap: 3 };
  if (shards <= 1_500) return { size: 13, gap: 2 };
  return { size: 9, gap: 1 };
}

export function layoutMap(groups: readonly CellGroup[], width: number): MapLayout {
  const total = groups.reduce((sum, { shards }) => sum + shards.length, 0);
  const { size, gap } = cellSize(total);
  const step = size + gap;
  const hosts = hostsOf(groups);
  const panels: Panel[] = [];
  const titles: HostTitle[] = [];
  const cells: Cell[] = [];
  let y = 0;
  for (const { host, groups: ofHost } of hosts) {
    if (host !== null) {
      const shards = ofHost.reduce((sum, group) => sum + group.shards.length, 0);
      titles.push({ host, y, nodes: ofHost.length, shards });
      y += HOST_TITLE;
    }
    const columns = columnsFor(ofHost, width, step);
    const panelWidth = Math.floor((width - (columns - 1) * PANEL_GAP) / columns);
    for (let from = 0; from < ofHost.length; from += columns) {
      const row = ofHost.slice(from, from + columns);
      const across = Math.max(1, Math.floor((panelWidth - 2 * PANEL_PADDING + gap) / step));
      const lines = Math.max(1, ...row.map(({ shards }) => Math.ceil(shards.length / across)));
      const height = PANEL_TITLE + PANEL_PADDING * 1.5 + lines * step - gap;
      row.forEach((group, column) => {
        const x = column * (panelWidth + PANEL_GAP);
        panels.push({ group, x, y, width: panelWidth, height });
        group.shards.forEach((shard, at) => {
          cells.push({
            shard,
            x: x + PANEL_PADDING + (at % across) * step,
            y: y + PANEL_TITLE + PANEL_PADDING * 0.5 + Math.floor(at / across) * step,
          });
        });
      });
      y += height + PANEL_GAP;
    }
  }
  const height = Math.max(0, y - PANEL_GAP);
  return {
    size,
    gap,
    width,
    height,
    cells,
    panels,
    hosts: titles,
    cellOf: new Map(cells.map((cell) => [cell.shard, cell])),
  };
}

function hostsOf(groups: readonly CellGroup[]): { host: string | null; groups: CellGroup[] }[] {
  const hosts: { host: string | null; groups: CellGroup[] }[] = [];
  for (const group of groups) {
    const last = hosts.at(-1);
    if (last !== undefined && last.host === group.host) last.groups.push(group);
    else hosts.push({ host: group.host, groups: [group] });
  }
  return hosts;
}

/** As many as fit beside each other, and no more than leave the largest of them a comfortable form. */
function columnsFor(groups: readonly CellGroup[], width: number, step: number): number {
  const largest = Math.max(1, ...groups.map(({ shards }) => shards.length));
  const wish = Math.max(PANEL_LEAST, Math.ceil(Math.sqrt(largest * 3)) * step + 2 * PANEL_PADDING);
  return Math.max(1, Math.min(groups.length, Math.floor((width + PANEL_GAP) / (wish + PANEL_GAP))));
}

/** The shard at a point. null: there is none. */
export function shardAt({ cells, size }: MapLayout, x: number, y: number): number | null {
  const found = cells.find((cell) => x >= cell.x && x < cell.x + size && y >= cell.y && y < cell.y + size);
  return found?.shard ?? null;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** The nearest shard in a direction: for keys. The one we are at where there is none. */
export function neighbour(layout: MapLayout, shard: number, direction: Direction): number {
  const at = layout.cells.findIndex((cell) => cell.shard === shard);
  const here = layout.cells[at];
  if (here === undefined) return layout.cells[0]?.shard ?? shard;
  if (direction === 'left') return layout.cells[at - 1]?.shard ?? shard;
  if (direction === 'right') return layout.cells[at + 1]?.shard ?? shard;
  let best: Cell | null = null;
  const distance = (cell: Cell): number => Math.abs(cell.y - here.y) * 4 + Math.abs(cell.x - here.x);
  for (const cell of layout.cells) {
    if (direction === 'down' ? cell.y <= here.y : cell.y >= here.y) continue;
    if (best === null || distance(cell) < distance(best)) best = cell;
  }
  return best?.shard ?? shard;
}
