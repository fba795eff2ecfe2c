/**
 * Draws the shard map. Cells stay as they were drawn: a change repaints its own cells only, which is what keeps 5,000
 * shards with hundreds of changes a second smooth. What moves is drawn on a second canvas above, and only while
 * something moves.
 */
import type { LiveSnapshot } from '@dshard/api/live';
import { conditionOf, rateOf } from '../model/fleet.js';
import type { Cell, MapLayout } from '../model/map-layout.js';
import { brightnessOf, CONDITION_ORDER, LOOKS } from '../model/tones.js';
import { monotonicMs } from './browser-clock.js';
import { colour } from './theme.js';

export type MapView = {
  readonly snapshot: LiveSnapshot;
  readonly layout: MapLayout;
  /** Those that a query found. null: all. */
  readonly found: ReadonlySet<number> | null;
  /** The shard that the keyboard or the pointer is at. */
  readonly at: number | null;
  readonly isStale: boolean;
};

type Flight = { readonly shard: number; readonly from: Cell; readonly to: Cell; readonly begunAt: number };

const FLIGHT_MS = 700;
const MOST_FLIGHTS = 200;
const MOST_TRAILS = 64;
const TRAIL_MS = 1_400;
/** Conditions, times two for the query, times the steps of brightness. */
const UNPAINTED = 255;

export class MapCanvas {
  readonly #cells: HTMLCanvasElement;
  readonly #moves: HTMLCanvasElement;
  readonly #isCalm = matchMedia('(prefers-reduced-motion: reduce)');
  #colours: Readonly<Record<string, string>> = {};
  #palette = -1;
  #view: MapView | null = null;
  #painted = new Uint8Array(0);
  #flights: Flight[] = [];
  #frame: number | null = null;

  constructor(cells: HTMLCanvasElement, moves: HTMLCanvasElement) {
    this.#cells = cells;
    this.#moves = moves;
  }

  show(view: MapView, palette: number): void {
    const before = this.#view;
    this.#view = view;
    const isNewLayout = before?.layout !== view.layout;
    if (palette !== this.#palette) this.#colours = readColours();
    if (isNewLayout || palette !== this.#palette) {
      if (isNewLayout) this.#takeFlights(before?.layout ?? null, view.layout);
      this.#resize(view.layout);
      this.#painted = new Uint8Array(view.layout.cells.length).fill(UNPAINTED);
    }
    this.#palette = palette;
    this.#paint(view);
    this.#animate();
  }

  close(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#view = null;
  }

  #resize({ width, height }: MapLayout): void {
    const scale = Math.min(2, devicePixelRatio);
    for (const canvas of [this.#cells, this.#moves]) {
      canvas.width = Math.max(1, Math.round(width * scale));
      canvas.height = Math.max(1, Math.round(height * scale));
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      canvas.getContext('2d')?.setTransform(scale, 0, 0, scale, 0, 0);
    }
  }

  #paint({ snapshot, layout, found }: MapView): void {
    const context = this.#cells.getContext('2d');
    if (context === null) return;
    layout.cells.forEach((cell, index) => {
      const kind = conditionOf(snapshot, cell.shard);
      const step = kind === 'up' ? brightnessOf(rateOf(snapshot, cell.shard)) : 0;
      const isFound = found === null || found.has(cell.shard);
      const code = (CONDITION_ORDER.indexOf(kind) * 5 + step) * 2 + (isFound ? 1 : 0);
      if (this.#painted[index] === code) return;
      this.#painted[index] = code;
      context.globalAlpha = 1;
      context.clearRect(cell.x - 1, cell.y - 1, layout.size + 2, layout.size + 2);
      context.globalAlpha = isFound ? 1 : 0.14;
      paintCell(context, cell, layout.size, { look: LOOKS[kind], step, colours: this.#colours });
    });
  }

  /** Shards whose place changed fly there, so that the eye follows. */
  #takeFlights(before: MapLayout | null, after: MapLayout): void {
    if (before === null || before.width !== after.width || this.#isCalm.matches) return;
    const begunAt = monotonicMs();
    const panelOf = (layout: MapLayout, cell: Cell): string | undefined =>
      layout.panels.find(
        ({ x, y, width, height }) => cell.x >= x && cell.x < x + width && cell.y >= y && cell.y < y + height,
      )?.group.key;
    for (const to of after.cells) {
      const from = before.cellOf.get(to.shard);
      if (from === undefined || (from.x === to.x && from.y === to.y)) continue;
      if (panelOf(before, from) === panelOf(after, to)) continue;
      if (this.#flights.length >= MOST_FLIGHTS) return;
      this.#flights.push({ shard: to.shard, from, to, begunAt });
    }
  }

  #animate(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#paintMoves();
    });
  }

  #paintMoves(): void {
    const view = this.#view;
    const context = this.#moves.getContext('2d');
    if (view === null || context === null) return;
    const { layout, at, isStale } = view;
    const time = monotonicMs();
    context.clearRect(0, 0, layout.width, layout.height);
    this.#flights = this.#flights.filter(({ begunAt }) => time - begunAt < FLIGHT_MS);
    for (const { from, to, begunAt } of this.#flights) {
      const part = eased((time - begunAt) / FLIGHT_MS);
      context.fillStyle = this.#colours['moving'] ?? '';
      const [x, y] = [from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part];
      roundRect(context, x, y, layout.size);
      context.fill();
    }
    const trails = isStale ? [] : this.#trails(view);
    for (const { from, to } of trails) this.#paintTrail(context, { from, to, size: layout.size, time });
    const cursor = at === null ? undefined : layout.cellOf.get(at);
    if (cursor !== undefined) {
      context.strokeStyle = this.#colours['text'] ?? '';
      context.lineWidth = 2;
      context.strokeRect(cursor.x - 2, cursor.y - 2, layout.size + 4, layout.size + 4);
    }
    if (this.#flights.length > 0 || (trails.length > 0 && !this.#isCalm.matches)) this.#animate();
  }

  /** From shards that migrate to the node that they go to. */
  #trails({ snapshot, layout }: MapView): { from: Cell; to: { x: number; y: number } }[] {
    return snapshot.migrations.slice(0, MOST_TRAILS).flatMap(({ shard, destination }) => {
      const from = layout.cellOf.get(shard);
      const panel = layout.panels.find(({ group }) => group.node?.id === destination);
      if (from === undefined || panel === undefined) return [];
      return [{ from, to: { x: panel.x + panel.width / 2, y: panel.y + panel.height / 2 } }];
    });
  }

  #paintTrail(
    context: CanvasRenderingContext2D,
    { from, to, size, time }: { from: Cell; to: { x: number; y: number }; size: number; time: number },
  ): void {
    const [x, y] = [from.x + size / 2, from.y + size / 2];
    context.strokeStyle = this.#colours['moving'] ?? '';
    context.globalAlpha = 0.35;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(to.x, to.y);
    context.stroke();
    context.globalAlpha = 1;
    const part = this.#isCalm.matches ? 1 : eased(((time + from.shard * 137) % TRAIL_MS) / TRAIL_MS);
    context.fillStyle = this.#colours['moving'] ?? '';
    context.beginPath();
    context.arc(x + (to.x - x) * part, y + (to.y - y) * part, Math.max(3, size / 4), 0, Math.PI * 2);
    context.fill();
  }
}

function eased(part: number): number {
  return part < 0.5 ? 2 * part * part : 1 - (-2 * part + 2) ** 2 / 2;
}

const TONES = ['moving', 'coming', 'trouble', 'broken', 'resting', 'hole', 'text', 'surface'] as const;

function readColours(): Record<string, string> {
  const names = [...TONES, ...[0, 1, 2, 3, 4].map((step) => `up-${step}`)];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

function roundRect(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  context.beginPath();
  context.roundRect(x, y, size, size, size > 10 ? 3 : 2);
}

function paintCell(
  context: CanvasRenderingContext2D,
  { x, y }: Cell,
  size: number,
  { look, step, colours }: { look: (typeof LOOKS)['up']; step: number; colours: Readonly<Record<string, string>> },
): void {
  const middle = size / 2;
  if (look.mark === 'hole') {
    context.strokeStyle = colours['hole'] ?? '';
    context.lineWidth = 1;
    context.setLineDash(size > 10 ? [3, 2] : [2, 1]);
    context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
    context.setLineDash([]);
    return;
  }
  context.fillStyle = colours[look.tone === 'up' ? `up-${step}` : look.tone] ?? '';
  if (size > 10) {
    roundRect(context, x, y, size);
    context.fill();
  } else {
    context.fillRect(x, y, size, size);
  }
  if (look.mark === 'none') return;
  context.strokeStyle = colours['surface'] ?? '';
  context.fillStyle = colours['surface'] ?? '';
  context.lineWidth = size > 10 ? 2 : 1.25;
  const inset = size * 0.28;
  context.beginPath();
  switch (look.mark) {
    case 'slash':
      context.moveTo(x + inset, y + size - inset);
      context.lineTo(x + size - inset, y + inset);
      break;
    case 'cross':
      context.moveTo(x + inset, y + inset);
      context.lineTo(x + size - inset, y + size - inset);
      context.moveTo(x + inset, y + size - inset);
      context.lineTo(x + size - inset, y + inset);
      break;
    case 'bar':
      context.moveTo(x + inset, y + middle);
      context.lineTo(x + size - inset, y + middle);
      break;
    case 'ring':
      context.arc(x + middle, y + middle, size * 0.24, 0, Math.PI * 2);
      break;
    case 'dot':
      context.arc(x + middle, y + middle, size * 0.18, 0, Math.PI * 2);
      context.fill();
      return;
  }
  context.stroke();
}
