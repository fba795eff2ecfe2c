/**
 * The stream: a snapshot, then what has changed. What comes is put together at once and shown with the next frame, so
 * that a burst costs one frame. A stream that is lost is opened again; until then everything says that it may be stale.
 */
import { batch } from '@preact/signals';
import type { HistoryEntry } from '@dshard/api';
import { applyDelta, type LiveDelta, type LiveSnapshot } from '@dshard/api/live';
import { rememberNodes } from '../model/groups.js';
import { rememberPeaks } from '../model/rollout.js';
import { after, every, monotonicMs } from './browser-clock.js';
import { ask } from './browser-api.js';
import { beat, connection, heardAt, history, lastNodes, peaks, points, recorder, session, snapshot } from './store.js';

const PATH = '/v1/live';
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;
/** The stream speaks at least this often; longer silence is a lost connection that nobody closed. */
const SILENCE_MS = 12_000;
const KEPT_HISTORY = 5_000;

let current: LiveSnapshot | null = null;
let source: EventSource | null = null;
let retryMs = FIRST_RETRY_MS;
let isFrameDue = false;
let cancelRetry: (() => void) | null = null;

export function startLive(): void {
  open();
  every(1_000, () => {
    beat.value = monotonicMs();
    if (connection.value.kind === 'live' && beat.value - heardAt.value > SILENCE_MS) lose('Nothing was heard for a while.');
  });
}

/** After a login, or for somebody who does not want to wait. */
export function reopen(): void {
  retryMs = FIRST_RETRY_MS;
  cancelRetry?.();
  open();
}

function open(): void {
  source?.close();
  const stream = new EventSource(PATH);
  source = stream;
  const on = (name: string, take: (data: string) => void): void => {
    stream.addEventListener(name, (event) => {
      if (source !== stream) return;
      heardAt.value = monotonicMs();
      take((event as MessageEvent<string>).data);
    });
  };
  on('snapshot', (data) => {
    current = JSON.parse(data) as LiveSnapshot;
    retryMs = FIRST_RETRY_MS;
    show();
  });
  on('delta', (data) => {
    if (current === null) return;
    current = applyDelta(current, JSON.parse(data) as LiveDelta);
    show();
  });
  on('alive', () => undefined);
  stream.addEventListener('error', () => {
    if (source === stream) lose(null);
  });
}

function lose(why: string | null): void {
  source?.close();
  source = null;
  connection.value = { kind: 'lost', why };
  cancelRetry?.();
  cancelRetry = after(retryMs, () => void retry());
  retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
}

/** A stream does not say why it was refused; an ordinary question does. */
async function retry(): Promise<void> {
  const asked = await ask('whoAmI');
  if (session.value.kind === 'needed') return;
  if (asked.ok) {
    session.value = { kind: 'open', who: asked.body };
    open();
  } else {
    lose(asked.status === 0 ? null : asked.message);
  }
}

function show(): void {
  if (isFrameDue) return;
  isFrameDue = true;
  // Not the next frame: a page in the background has none, and is to be right when somebody looks.
  after(0, () => {
    isFrameDue = false;
    if (current !== null) take(current);
  });
}

function take(next: LiveSnapshot): void {
  batch(() => {
    connection.value = { kind: 'live' };
    beat.value = monotonicMs();
    lastNodes.value = rememberNodes(lastNodes.value, next);
    peaks.value = rememberPeaks(peaks.value, next);
    history.value = continuedHistory(history.value, next.history);
    snapshot.value = next;
    if (recorder.take(next)) points.value += 1;
  });
}

/** Ids that begin anew are those of an orchestrator that keeps nothing over a restart. */
function continuedHistory(before: readonly HistoryEntry[], told: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const newest = before.at(-1)?.id ?? 0;
  const last = told.at(-1)?.id ?? newest;
  if (last < newest) return told;
  const added = told.filter(({ id }) => id > newest);
  return added.length === 0 ? before : [...before, ...added].slice(-KEPT_HISTORY);
}
