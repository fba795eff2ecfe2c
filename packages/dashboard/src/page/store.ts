/** All that pages show, as signals. The stream (live.ts), the address and the session change them. */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { HistoryEntry, Role, WhoAmI } from '@dshard/api';
import type { LiveSnapshot } from '@dshard/api/live';
import type { LastNodes } from '../model/groups.js';
import type { Peaks } from '../model/rollout.js';
import { Recorder } from '../model/series.js';
import { monotonicMs } from './browser-clock.js';

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** `why` null: nobody knows. */
  | { readonly kind: 'lost'; readonly why: string | null };

/** `asked`: it is not known yet whether somebody has to log in. */
export type Session =
  { readonly kind: 'asked' } | { readonly kind: 'needed' } | { readonly kind: 'open'; readonly who: WhoAmI };

export const session: Signal<Session> = signal({ kind: 'asked' });
export const connection: Signal<Connection> = signal({ kind: 'connecting' });
export const snapshot: Signal<LiveSnapshot | null> = signal(null);
/** When the orchestrator was heard last, by our clock. */
export const heardAt: Signal<number> = signal(0);
/** Our clock, once a second. */
export const beat: Signal<number> = signal(monotonicMs());

/** By the orchestrator's clock, as far as we know: what we heard, and the time since. */
export const now: ReadonlySignal<number> = computed(
  () => (snapshot.value?.now ?? 0) + Math.max(0, beat.value - heardAt.value),
);

/** What we show may be out of date. */
export const isStale: ReadonlySignal<boolean> = computed(() => connection.value.kind !== 'live');

export const role: ReadonlySignal<Role> = computed(() =>
  session.value.kind === 'open' ? session.value.who.role : 'read',
);

/** Longer than a snapshot keeps it, oldest first. */
export const history: Signal<readonly HistoryEntry[]> = signal([]);
export const lastNodes: Signal<LastNodes> = signal(new Map());
export const peaks: Signal<Peaks> = signal(new Map());
export const recorder: Recorder = new Recorder();
/** Grows with each point that the recorder took. */
export const points: Signal<number> = signal(0);

/** Told to screen readers, and shown for a while. */
export type Note = { readonly id: number; readonly text: string; readonly tone: 'well' | 'trouble' };
export const notes: Signal<readonly Note[]> = signal([]);
