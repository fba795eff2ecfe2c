/** The shard map: panels of nodes as elements (they are links), cells on a canvas, a cursor for keys and pointers. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { LiveSnapshot } from '@dshard/api/live';
import { conditionOf, nodeState, rateOf } from '../../model/fleet.js';
import { groupsById, groupsByNode, type CellGroup } from '../../model/groups.js';
import { layoutMap, neighbour, shardAt, type Direction, type MapLayout } from '../../model/map-layout.js';
import { counted, rate, seconds } from '../../model/text.js';
import { BRIGHTNESS_STEPS, CONDITION_ORDER, LOOKS } from '../../model/tones.js';
import { migrationsByShard, shardRow } from '../../model/rows.js';
import { MapCanvas } from '../map-canvas.js';
import { goTo } from '../navigation.js';
import { isStale, lastNodes, now } from '../store.js';
import { palette } from '../theme.js';
import { Link, Mark } from './basics.js';
import { useWidth } from './bar.js';

const KEYS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

/** Groups anew only when somebody moved: most changes move nobody. */
function useLayout(snapshot: LiveSnapshot, by: 'node' | 'id', width: number): MapLayout {
  const remembered = lastNodes.value;
  const groups = useMemo(
    () => (by === 'id' ? groupsById(snapshot) : groupsByNode(snapshot, remembered)),
    [by, snapshot.shards.node, snapshot.nodes, remembered],
  );
  const kept = useRef<{ key: string; layout: MapLayout } | null>(null);
  // Nodes change without a shard moving; the map keeps still then.
  const key = useMemo(
    () => `${width} ${groups.map((group) => `${group.host} ${group.key} ${group.shards.join()}`).join(';')}`,
    [groups, width],
  );
  if (kept.current?.key !== key) kept.current = { key, layout: layoutMap(groups, width) };
  return kept.current.layout;
}

export function ShardMap({
  snapshot,
  by,
  found,
}: {
  snapshot: LiveSnapshot;
  by: 'node' | 'id';
  found: ReadonlySet<number> | null;
}): JSX.Element {
  const [element, width] = useWidth();
  const cells = useRef<HTMLCanvasElement>(null);
  const moves = useRef<HTMLCanvasElement>(null);
  const canvas = useRef<MapCanvas | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const [isPointing, setPointing] = useState(false);
  const layout = useLayout(snapshot, by, width);
  const shade = palette.value;
  const stale = isStale.value;

  useLayoutEffect(() => {
    if (cells.current === null || moves.current === null) return undefined;
    canvas.current = new MapCanvas(cells.current, moves.current);
    return () => canvas.current?.close();
  }, []);
  useEffect(() => {
    if (width > 0) canvas.current?.show({ snapshot, layout, found, at, isStale: stale }, shade);
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = KEYS[event.key];
    if (direction !== undefined) {
      event.preventDefault();
      setPointing(false);
      setAt(at === null ? (layout.cells[0]?.shard ?? null) : neighbour(layout, at, direction));
    } else if (event.key === 'Enter' && at !== null) {
      goTo({ page: 'shard', id: at });
    } else if (event.key === 'Escape') {
      setAt(null);
    }
  };
  const shardUnder = (event: MouseEvent): number | null => {
    const box = cells.current?.getBoundingClientRect();
    return box === undefined ? null : shardAt(layout, event.clientX - box.left, event.clientY - box.top);
  };
  const cursor = at === null ? undefined : layout.cellOf.get(at);
  return (
    <div class="map-frame">
      <div
        ref={element}
        class={`map ${stale ? 'stale' : ''}`}
        role="application"
        aria-roledescription="shard map"
        aria-label={`Map of ${counted(snapshot.shards.node.length, 'shard')}. Arrow keys go from shard to shard, Enter opens one. The same is there as a table.`}
        tabIndex={0}
        style={{ height: `${layout.height}px` }}
        onKeyDown={onKeyDown}
        onBlur={() => setAt(null)}
        onMouseMove={(event) => {
          setPointing(true);
          setAt(shardUnder(event));
        }}
        onMouseLeave={() => setAt(null)}
        onClick={(event) => {
          const shard = shardUnder(event);
          if (shard !== null) goTo({ page: 'shard', id: shard });
        }}
      >
        {layout.hosts.map((host, index) => (
          <h3 key={`${host.host} ${index}`} class="map-host" style={{ top: `${host.y}px` }}>
            {host.host}{' '}
            <span class="muted">
              {counted(host.nodes, 'node')}, {counted(host.shards, 'shard')}
            </span>
          </h3>
        ))}
        {layout.panels.map(({ group, x, y, width: wide, height }) => (
          <div
            key={group.key}
            class={`map-panel ${group.key === 'nobody' ? 'nobody' : ''} ${panelTone(group)}`}
            style={{ left: `${x}px`, top: `${y}px`, width: `${wide}px`, height: `${height}px` }}
          >
            <PanelTitle group={group} />
          </div>
        ))}
        <canvas ref={cells} aria-hidden="true" />
        <canvas ref={moves} aria-hidden="true" />
        {cursor !== undefined && isPointing && at !== null && (
          <div
            class="tip"
            aria-hidden="true"
            style={{
              left: `${Math.max(0, Math.min(cursor.x, width - 230))}px`,
              top: `${cursor.y + layout.size + 8}px`,
            }}
          >
            <ShardWords snapshot={snapshot} shard={at} />
          </div>
        )}
      </div>
      <p class={isPointing ? 'hidden' : 'map-at'} aria-live="polite">
        {at === null || isPointing ? '' : <ShardWords snapshot={snapshot} shard={at} />}
      </p>
    </div>
  );
}

function panelTone({ node }: CellGroup): string {
  return node === null ? '' : nodeState(node).tone;
}

function PanelTitle({ group }: { group: CellGroup }): JSX.Element {
  const { node, title, shards } = group;
  if (node === null) {
    return (
      <span class="map-title">
        <b>{title}</b> <span class="muted">{shards.length}</span>
      </span>
    );
  }
  const { word, suspected } = nodeState(node);
  return (
    <span class="map-title">
      <Link to={{ page: 'node', id: node.id }}>{title}</Link>
      <span class="muted">
        {word === 'serving' ? node.version : <em class={suspected ? 'suspected' : 'fact'}>{word}</em>}
      </span>
    </span>
  );
}

function ShardWords({ snapshot, shard }: { snapshot: LiveSnapshot; shard: number }): JSX.Element {
  const row = shardRow(snapshot, shard, migrationsByShard(snapshot));
  const events = rateOf(snapshot, shard);
  const age = Math.max(0, now.value - row.condition.since);
  return (
    <>
      <b>Shard {shard}</b> <Mark look={LOOKS[conditionOf(snapshot, shard)]} /> for {seconds(age)}
      <br />
      {row.node === null ? 'on no node' : `on ${row.node}`}
      {row.step !== null && `, ${row.step}`}
      {events !== null && `, ${rate(events)} events/s`}
    </>
  );
}

export function MapLegend({ snapshot }: { snapshot: LiveSnapshot }): JSX.Element {
  const { conditionCounts } = snapshot.fleet;
  const shown = CONDITION_ORDER.filter((kind) => kind === 'up' || conditionCounts[kind] > 0);
  return (
    <ul class="legend" aria-label="What the cells mean">
      {shown.map((kind) => (
        <li key={kind} title={LOOKS[kind].about}>
          <Mark look={LOOKS[kind]} /> <span class="muted">{conditionCounts[kind]}</span>
        </li>
      ))}
      <li class="scale" title="Brighter: more events a second">
        <span class="muted">quiet</span>
        {Array.from({ length: BRIGHTNESS_STEPS }, (_, step) => (
          <i key={step} class={`swatch up-${step}`} aria-hidden="true" />
        ))}
        <span class="muted">busy</span>
      </li>
    </ul>
  );
}
