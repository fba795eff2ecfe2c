/**
 * The stream: a snapshot, then what has changed. What comes is put together at once and shown with the next frame, so
 * that a burst costs one frame. A stream that is lost is opened again; until then everything says that it may be stale.
 */
import { batch } from '@preact/signals';
import type { HistoryEntry } from '@dshard/api';
import { eventsIn, type ServerSentEvent } from '../model/server-sent-events.js';
import { applyDelta, type LiveDelta, type LiveSnapshot } from '@dshard/api/live';
import { rememberNodes } from '../model/groups.js';
import { rememberPeaks } from '../model/rollout.js';
import { after, every, monotonicMs } from './browser-clock.js';
import { beat, connection, heardAt, history, lastNodes, peaks, points, recorder, session, snapshot } from './store.js';

const PATH = '/v1/live';
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;
/** The stream speaks every 15 s at least; longer silence is a lost connection that nobody closed. */
const SILENCE_MS = 20_000;
const KEPT_HISTORY = 5_000;

let current: LiveSnapshot | null = null;
let lastId: string | null = null;
let stop: AbortController | null = null;
let retryMs = FIRST_RETRY_MS;
let isFrameDue = false;
let cancelRetry: (() => void) | null = null;

export function startLive(): void {
  reopen();
  every(1_000, () => {
    beat.value = monotonicMs();
    if (connection.value.kind === 'live' && beat.value - heardAt.value > SILENCE_MS)
      lose('Nothing was heard for a while.');
  });
}

/** After a login, or for somebody who does not want to wait. */
export function reopen(): void {
  retryMs = FIRST_RETRY_MS;
  cancelRetry?.();
  void read();
}

/** Until the stream ends, or another one is begun. */
async function read(): Promise<void> {
  stop?.abort();
  const own = new AbortController();
  stop = own;
  let why: string | null = null;
  try {
    const headers = {
      accept: 'text/event-stream',

      ...(lastId !== null && { 'last-event-id': lastId }),
    };
    const response = await fetch(PATH, { headers, credentials: 'same-origin', cache: 'no-store', signal: own.signal });
    if (response.ok && response.body !== null) {
      connection.value = { kind: 'live' };
      for await (const event of eventsIn(heard(response.body))) take(event);
    } else {
      why = await refusalOf(response);
    }
  } catch {
    // Nobody is there, or the line broke: the page says so, and tries again.
  }
  if (stop === own) lose(why);
}

async function* heard(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heardAt.value = monotonicMs();
    retryMs = FIRST_RETRY_MS;
    yield decoder.decode(value, { stream: true });
  }
}

async function refusalOf(response: Response): Promise<string> {
  if (response.status === 401) session.value = { kind: 'needed' };
  const answer = (await response.json().catch(() => ({}))) as { Message?: unknown };
  return typeof answer.Message === 'string' ? answer.Message : `The orchestrator answered ${response.status}.`;
}

function take({ id, event, data }: ServerSentEvent): void {
  if (event === 'snapshot') current = JSON.parse(data) as LiveSnapshot;
  else if (event === 'delta' && current !== null) current = applyDelta(current, JSON.parse(data) as LiveDelta);
  else return;
  lastId = id;
  show();
}

function lose(why: string | null): void {
  stop?.abort();
  stop = null;
  connection.value = { kind: 'lost', why };
  cancelRetry?.();
  if (session.value.kind === 'needed') return;
  cancelRetry = after(retryMs, () => void read());
  retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
}

function show(): void {
  if (isFrameDue) return;
  isFrameDue = true;
  // Not the next frame: a page in the background has none, and is to be right when somebody looks.
  after(0, () => {
    isFrameDue = false;
    if (current !== null) present(current);
  });
}

function present(next: LiveSnapshot): void {
  batch(() => {
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
