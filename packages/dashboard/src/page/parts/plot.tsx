/** Figures over time, as SVG that the style sheet colours. The values are also there as words. */
import { useMemo, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { layoutPlot, nearestPoint } from '../../model/plot.js';
import { clockTime } from '../../model/text.js';
import { useWidth } from './bar.js';

const LEFT = 52;
const BOTTOM = 18;

export function Plot({
  title,
  at,
  values,
  format,
  height = 150,
}: {
  title: string;
  /** Milliseconds. */
  at: readonly number[];
  values: readonly (number | null)[];
  format(this: void, value: number): string;
  height?: number;
}): JSX.Element {
  const [element, width] = useWidth();
  const [pointed, setPointed] = useState<number | null>(null);
  const layout = useMemo(
    () => layoutPlot(at, values, { width: Math.max(width, LEFT + 20), height, left: LEFT, bottom: BOTTOM }),
    [at, values, width, height],
  );
  const known = values.filter((value) => value !== null);
  const last = values.findLast((value) => value !== null) ?? null;
  const index = pointed === null ? -1 : nearestPoint(at, pointed);
  const [time, value] = [at[index], values[index] ?? null];
  const words = last === null ? 'no values yet' : `now ${format(last)}, at most ${format(Math.max(...known))}`;
  const onMove = (event: MouseEvent): void => {
    const box = element.current?.getBoundingClientRect();
    const [from, to] = [at[0] ?? 0, at.at(-1) ?? 0];
    if (box === undefined || to === from) return;
    const part = (event.clientX - box.left - layout.x(from)) / (layout.x(to) - layout.x(from));
    setPointed(from + part * (to - from));
  };
  return (
    <figure class="plot">
      <figcaption>
        <span>{title}</span>
        <span class="muted">{time === undefined ? '' : clockTime(time)}</span>
        <strong>
          {time !== undefined ? (value === null ? '–' : format(value)) : last === null ? '–' : format(last)}
        </strong>
      </figcaption>
      <div
        ref={element}
        role="img"
        aria-label={`${title}: ${words}`}
        style={{ height: `${height}px` }}
        onMouseMove={onMove}
        onMouseLeave={() => setPointed(null)}
      >
        {width > 0 && (
          <svg width={width} height={height} aria-hidden="true">
            {layout.ticks.map((tick) => (
              <g key={tick.value}>
                <line class="grid" x1={LEFT} x2={width} y1={tick.y} y2={tick.y} />
                <text x={LEFT - 8} y={tick.y + 4} text-anchor="end">
                  {format(tick.value)}
                </text>
              </g>
            ))}
            {layout.times.map((each) => (
              <text key={each.at} x={Math.min(each.x, width - 26)} y={height - 3} text-anchor="middle">
                {clockTime(each.at)}
              </text>
            ))}
            <path class="area" d={layout.area} />
            <path class="line" d={layout.line} />
            {time !== undefined && (
              <>
                <line class="pointer" x1={layout.x(time)} x2={layout.x(time)} y1={0} y2={height - BOTTOM} />
                {value !== null && <circle cx={layout.x(time)} cy={layout.y(value)} r={3.5} />}
              </>
            )}
          </svg>
        )}
      </div>
    </figure>
  );
}

/** A line without axes, beside a figure in a table. */
export function Spark({ values }: { values: readonly (number | null)[] }): JSX.Element {
  const path = values
    .map((value, at) =>
      value === null
        ? ''
        : `${at === 0 || values[at - 1] === null ? 'M' : 'L'}${at},${((1 - value) * 18 + 1).toFixed(1)}`,
    )
    .join('');
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${Math.max(1, values.length - 1)} 20`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  );
}
