/** Migrations as lanes over time. Idle times are folded; each bar is also a sentence. */
import { useMemo } from 'preact/hooks';
import type { JSX } from 'preact';
import type { HistoryEntry } from '@dshard/api';
import { lanesOf, timeScale, type Lane, type Span, type TimeScale } from '../../model/lanes.js';
import { clockTime, span } from '../../model/text.js';
import { Empty } from './basics.js';

const MOST_LANES = 80;

export function Lanes({
  history,
  belongs,
  until,
  empty,
}: {
  history: readonly HistoryEntry[];
  belongs(this: void, started: HistoryEntry): boolean;
  /** Where lanes that are not over end, by the orchestrator's clock. */
  until: number;
  empty: string;
}): JSX.Element {
  const lanes = useMemo(() => lanesOf(history, belongs), [history]);
  if (lanes.length === 0) return <Empty>{empty}</Empty>;
  const spans = lanes.flatMap((lane) => lane.spans);
  const from = Math.min(...spans.map((each) => each.from));
  const to = spans.some((each) => each.to === null) ? until : Math.max(...spans.map((each) => each.to ?? 0));
  const scale = timeScale(lanes, { from, to });
  return (
    <div class="lanes">
      <div class="lane-axis" aria-hidden="true">
        <span>{clockTime(scale.from)}</span>
        <span>{span(scale.to - scale.from)}</span>
        <span>{clockTime(scale.to)}</span>
      </div>
      <ul>
        {lanes.slice(0, MOST_LANES).map((lane) => (
          <LaneLine key={lane.key} lane={lane} scale={scale} />
        ))}
      </ul>
      {lanes.length > MOST_LANES && <p class="muted">And {lanes.length - MOST_LANES} more.</p>}
      <ul class="legend">
        <li>
          <i class="swatch lane-served" aria-hidden="true" /> moves, still served
        </li>
        <li>
          <i class="swatch lane-frozen" aria-hidden="true" /> stands still
        </li>
        {scale.folds.length > 0 && (
          <li>
            <i class="swatch lane-fold" aria-hidden="true" /> nothing moved: folded
          </li>
        )}
      </ul>
    </div>
  );
}

function LaneLine({ lane, scale }: { lane: Lane; scale: TimeScale }): JSX.Element {
  return (
    <li class="lane">
      <span class="lane-name">{lane.title}</span>
      <div class="lane-track">
        {scale.folds.map((fold) => (
          <i
            key={fold.from}
            class="fold"
            title={`${fold.label} in which nothing moved`}
            style={{ left: percentOf(fold.start), width: percentOf(fold.end - fold.start) }}
          />
        ))}
        {lane.spans.map((each) => (
          <SpanBar key={each.from} each={each} scale={scale} />
        ))}
      </div>
    </li>
  );
}

function SpanBar({ each, scale }: { each: Span; scale: TimeScale }): JSX.Element {
  const end = each.to ?? scale.to;
  const [left, right] = [scale.place(each.from), scale.place(end)];
  const frozenFrom = scale.place(Math.max(each.from, end - each.frozenMs));
  const width = Math.max(0.004, right - left);
  const frozen = each.frozenMs === 0 ? 0 : Math.max(0.12, Math.min(1, (right - frozenFrom) / width));
  return (
    <span class={`span ${each.outcome}`} style={{ left: percentOf(left), width: percentOf(width) }} title={each.text}>
      <span class="hidden">{each.text}</span>
      {frozen > 0 && <i style={{ width: percentOf(frozen) }} />}
    </span>
  );
}

function percentOf(part: number): string {
  return `${(part * 100).toFixed(2)}%`;
}
