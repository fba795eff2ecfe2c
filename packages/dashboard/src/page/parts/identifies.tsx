/** The session starts of the day: what is left, what is kept back, and whether it will do. */
import type { JSX } from 'preact';
import type { LiveSnapshot } from '@dshard/api/live';
import { count, counted, dayTime, span } from '../../model/text.js';
import { now } from '../store.js';
import { Panel } from './basics.js';

export function IdentifyBudget({ snapshot }: { snapshot: LiveSnapshot }): JSX.Element {
  const { identifies } = snapshot.fleet;
  const { total, remaining, reserve, used, resetAt } = identifies.budget;
  const free = Math.max(0, remaining - reserve);
  const share = (part: number): string => `${total === 0 ? 0 : Math.max(0, Math.min(100, (part / total) * 100))}%`;
  return (
    <Panel title="Identify budget" aside={<span class="muted">today</span>}>
      <p class="big">
        <strong>{count(remaining)}</strong> <span class="muted">of {count(total)} left</span>
      </p>
      <div
        class="budget"
        role="img"
        aria-label={`${count(free)} free, ${count(Math.min(reserve, remaining))} kept in reserve, ${count(total - remaining)} used`}
      >
        <i class="free" style={{ width: share(free) }} />
        <i class="reserve" style={{ width: share(Math.min(reserve, remaining)) }} />
      </div>
      <dl class="pairs">
        <dt>Used since the day began</dt>
        <dd>{count(used)}</dd>
        <dt>Kept in reserve</dt>
        <dd>{count(reserve)}</dd>
        <dt>At once, every {span(identifies.windowMs)}</dt>
        <dd>{identifies.maxConcurrency}</dd>
        <dt>Waiting now</dt>
        <dd>
          {identifies.waiting}
          {identifies.waitingUntil !== null && ` (about ${span(identifies.waitingUntil - now.value)})`}
        </dd>
      </dl>
      <p class={identifies.shortSince !== null || identifies.lastsUntil !== null ? 'forecast trouble' : 'forecast'}>
        {forecast(snapshot)}
      </p>
      {resetAt !== null && <p class="muted">More on {dayTime(resetAt)}.</p>}
    </Panel>
  );
}

function forecast({ fleet: { identifies } }: LiveSnapshot): string {
  const { shortSince, lastsUntil, budget } = identifies;
  if (shortSince !== null)
    return `Shards wait because only the reserve is left: ${counted(budget.remaining, 'start')}.`;
  if (lastsUntil !== null) return `At the pace of today only the reserve is left on ${dayTime(lastsUntil)}.`;
  return 'At the pace of today it lasts until the day ends.';
}
