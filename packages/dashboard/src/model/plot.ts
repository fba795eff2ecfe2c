/** Where a line, its axes and the value under a pointer are, for figures over time. Pure; the page draws it as SVG. */

export type PlotFrame = {
  readonly width: number;
  readonly height: number;
  /** Kept free for the words of the axes. */
  readonly left: number;
  readonly bottom: number;
};

export type PlotLayout = {
  /** A path for each stretch in which values are known, as SVG has it. */
  readonly line: string;
  /** The same, closed down to the axis. */
  readonly area: string;
  readonly ticks: readonly { readonly value: number; readonly y: number }[];
  readonly times: readonly { readonly at: number; readonly x: number }[];
  x(this: void, at: number): number;
  y(this: void, value: number): number;
};

const TOP = 6;
const RIGHT = 6;

export function layoutPlot(
  at: readonly number[],
  values: readonly (number | null)[],
  { width, height, left, bottom }: PlotFrame,
): PlotLayout {
  const from = at[0] ?? 0;
  const to = Math.max(at.at(-1) ?? 1, from + 1);
  const steps = niceSteps(Math.max(0, ...values.map((value) => value ?? 0)));
  const top = steps.at(-1) ?? 1;
  const floor = height - bottom;
  const x = (time: number): number => left + ((time - from) / (to - from)) * (width - left - RIGHT);
  const y = (value: number): number => floor - (value / top) * (floor - TOP);
  const stretches = stretchesOf(at, values);
  const pathOf = (points: readonly (readonly [number, number])[]): string =>
    points.map(([time, value], index) => `${index === 0 ? 'M' : 'L'}${round(x(time))},${round(y(value))}`).join('');
  return {
    line: stretches.map(pathOf).join(''),
    area: stretches
      .map((points) => {
        const [first, last] = [points[0]?.[0] ?? from, points.at(-1)?.[0] ?? from];
        return `${pathOf(points)}L${round(x(last))},${floor}L${round(x(first))},${floor}Z`;
      })
      .join(''),
    ticks: steps.map((value) => ({ value, y: y(value) })),
    times: timesBetween(from, to, Math.max(1, Math.floor((width - left) / 110))).map((time) => ({
      at: time,
      x: x(time),
    })),
    x,
    y,
  };
}

function stretchesOf(at: readonly number[], values: readonly (number | null)[]): (readonly [number, number])[][] {
  const stretches: (readonly [number, number])[][] = [[]];
  at.forEach((time, index) => {
    const value = values[index] ?? null;
    if (value === null) stretches.push([]);
    else stretches.at(-1)?.push([time, value]);
  });
  return stretches.filter((points) => points.length > 0);
}

/** From 0 to a little above the highest value, in two to four steps of round numbers. */
function niceSteps(highest: number): readonly number[] {
  if (highest <= 0) return [0, 1];
  const rough = highest / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, index) => index * step);
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800].map((seconds) => seconds * 1_000);

function timesBetween(from: number, to: number, most: number): readonly number[] {
  const step = TIME_STEPS.find((each) => (to - from) / each <= most) ?? 3_600_000;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, index) => first + index * step);
}

/** The point that is nearest in time. -1: there is none. */
export function nearestPoint(at: readonly number[], time: number): number {
  let best = -1;
  at.forEach((each, index) => {
    if (best === -1 || Math.abs(each - time) < Math.abs((at[best] ?? 0) - time)) best = index;
  });
  return best;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
