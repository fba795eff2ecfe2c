/** Shards of a node, a version or a fleet: blocks where there is room, else a bar, with what is missing as a hole. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { ShardConditionKind } from '@dshard/api';
import { blocksOrBar } from '../../model/blocks.js';
import { count } from '../../model/text.js';
import { CONDITION_ORDER, LOOKS } from '../../model/tones.js';

/** The width of an element as it is now. */
export function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const { current } = element;
    if (current === null) return undefined;
    const measure = (): void => setWidth(Math.floor(current.getBoundingClientRect().width));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

export function ShardBar({
  counts,
  total,
  label,
  missing: drawnAs = 'hole',
}: {
  counts: ReadonlyMap<ShardConditionKind, number>;
  total: number;
  label: string;
  /** `room`: what is missing up to `total` is no loss, as where bars only have one scale. */
  missing?: 'hole' | 'room';
}): JSX.Element {
  const [element, width] = useWidth();
  const shares = CONDITION_ORDER.map((kind) => ({ kind, count: counts.get(kind) ?? 0 }));
  const drawn = blocksOrBar(shares, { total, width, hole: 'vacant' });
  const words = shares
    .filter((share) => share.count > 0)
    .map(({ kind, count: of }) => `${count(of)} ${LOOKS[kind].word}`);
  const missing = drawnAs === 'room' ? 0 : total - shares.reduce((sum, share) => sum + share.count, 0);
  const text = [...words, ...(missing > 0 ? [`${count(missing)} not here`] : [])].join(', ');
  return (
    <div
      class={`shard-bar missing-${drawnAs}`}
      ref={element}
      role="img"
      aria-label={`${label}: ${text === '' ? 'no shards' : text}`}
      title={text}
    >
      {drawn.as === 'blocks' ? (
        <div class="blocks" style={{ gap: `${drawn.gap}px` }}>
          {drawn.blocks.map((kind, at) => (
            <i
              key={at}
              class={`swatch ${LOOKS[kind].tone} ${LOOKS[kind].mark}`}
              style={{ width: `${drawn.size}px`, height: `${Math.min(drawn.size, 14)}px` }}
            />
          ))}
        </div>
      ) : (
        <div class="parts">
          {drawn.parts.map(({ kind, width: wide }) => (
            <i key={kind} class={`part ${LOOKS[kind].tone}`} style={{ width: `${wide}px` }} />
          ))}
        </div>
      )}
    </div>
  );
}
