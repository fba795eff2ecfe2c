/** What happened, the newest first, as far as a query asks for it. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { HistoryEntry } from '@dshard/api';
import { filterOf } from '../../model/filter.js';
import { EVENT_FIELDS } from '../../model/rows.js';
import type { Route } from '../../model/route.js';
import { count, counted } from '../../model/text.js';
import { ask } from '../browser-api.js';
import { goTo } from '../navigation.js';
import { history } from '../store.js';
import { Panel } from '../parts/basics.js';
import { Feed } from '../parts/feed.js';
import { QueryField } from '../parts/query.js';

const PAGE = 200;
const LEVELS: readonly (readonly [string, string])[] = [
  ['', 'all but details'],
  ['level:warn,error', 'warnings and errors'],
  ['level:error', 'errors'],
  ['level:*', 'all'],
];

export function Events({ route }: { route: Extract<Route, { page: 'events' }> }): JSX.Element {
  const [older, setOlder] = useState<readonly HistoryEntry[]>([]);
  const [shown, setShown] = useState(PAGE);
  // The stream begins with the newest only.
  useEffect(() => {
    const stop = new AbortController();
    void ask('events', {}, { signal: stop.signal }).then((answer) => {
      if (!stop.signal.aborted && answer.ok) setOlder(answer.body);
    });
    return () => stop.abort();
  }, []);
  const filter = useMemo(() => filterOf(route.query, EVENT_FIELDS), [route.query]);
  const all = useMemo(() => {
    const first = history.value[0]?.id ?? Number.POSITIVE_INFINITY;
    return [...older.filter(({ id }) => id < first), ...history.value];
  }, [older, history.value]);
  const asksForLevels = /(^|\s)-?level[:=]/.test(route.query);
  const found = useMemo(
    () =>
      all
        .filter(
          (entry) => (asksForLevels || entry.level !== 'debug') && (filter.matches === null || filter.matches(entry)),
        )
        .toReversed(),
    [all, filter, asksForLevels],
  );
  const others = route.query.replace(/(^|\s)-?level[:=]\S*/g, ' ').trim();
  const level = LEVELS.find(([term]) => term !== '' && route.query.split(/\s+/).includes(term))?.[0] ?? '';
  return (
    <>
      <h1>Events</h1>
      <Panel
        title={counted(found.length, 'event')}
        aside={
          <label>
            <span class="hidden">How grave</span>
            <select
              value={level}
              onChange={(event) =>
                goTo({ page: 'events', query: `${event.currentTarget.value} ${others}`.trim() }, { replace: true })
              }
            >
              {LEVELS.map(([term, text]) => (
                <option key={term} value={term}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        }
      >
        <QueryField
          label="Which events"
          example="migration* node:web-1 shard:3 level:warn"
          value={route.query}
          problem={filter.problem}
          found={`${count(found.length)} of ${counted(all.length, 'event')}`}
          command="dso events --follow"
          onChange={(query) => goTo({ page: 'events', query }, { replace: true })}
        />
        <Feed entries={found.slice(0, shown)} empty="No event is like that." />
        {found.length > shown && (
          <button type="button" class="more" onClick={() => setShown(shown + PAGE)}>
            Show more: {count(found.length - shown)} are left
          </button>
        )}
      </Panel>
    </>
  );
}
