/**
 * Looks at the fleet once a second, and says which alarms have risen and fallen: in the history, in the log, and to a
 * sink. It only reads: no decision waits for it, and it goes on while the store is suspended and nothing is decided.
 */
import type { Alarm } from '@dshard/api';
import type { Cancel } from '@dshard/transport';
import { alarmsOf, lookAt, NO_ALARMS, restoredBook, type AlarmBook } from '../domain/alarms/alarms.js';
import { troublesOf } from '../domain/alarms/troubles.js';
import { AUTOMATIC, type HistoryEntry } from '../domain/state/effects.js';
import { MOST_RAISED_ALARMS, type RaisedAlarm } from '../domain/state/raised-alarms.js';
import type { OrchestratorHandle, OrchestratorOptions } from './contract.js';

const LOOK_EVERY_MS = 1_000;

/** From when on a shard that is down is a trouble. */
const SHARDS_DOWN_AFTER_MS = 30_000;

type Options = Pick<OrchestratorOptions, 'clock' | 'alarmSink' | 'shardsDownAfterMs'>;

export class AlarmWatch {
  readonly #options: Options;
  readonly #watched: Pick<OrchestratorHandle, 'state' | 'store'>;
  readonly #record: (entry: HistoryEntry) => void;
  readonly #note: (alarms: readonly RaisedAlarm[]) => void;
  #book: AlarmBook = NO_ALARMS;
  #cancel: Cancel | null = null;

  constructor(
    options: Options,
    watched: Pick<OrchestratorHandle, 'state' | 'store'>,
    record: (entry: HistoryEntry) => void,
    note: (alarms: readonly RaisedAlarm[]) => void = () => undefined,
  ) {
    this.#options = options;
    this.#watched = watched;
    this.#record = record;
    this.#note = note;
  }

  /** Begins with what an earlier run has raised. */
  start(): void {
    const { clock, shardsDownAfterMs = SHARDS_DOWN_AFTER_MS } = this.#options;
    const { raisedAlarms, graceUntil } = this.#watched.state;
    this.#book = restoredBook(raisedAlarms.values(), (graceUntil ?? clock.now()) + shardsDownAfterMs);
    this.#cancel ??= this.#options.clock.every(LOOK_EVERY_MS, () => this.look());
  }

  /** Resolves when what is to be told is told, or was tried for long enough. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    await this.#options.alarmSink?.close();
  }

  alarms(): readonly Alarm[] {
    return alarmsOf(this.#book);
  }

  look(): void {
    const { clock, alarmSink, shardsDownAfterMs = SHARDS_DOWN_AFTER_MS } = this.#options;
    const { state, store } = this.#watched;
    const now = clock.now();
    const { book, raised, cleared } = lookAt(this.#book, troublesOf({ state, store, shardsDownAfterMs, now }), now);
    this.#book = book;
    for (const alarm of raised) if (!isRecorded(alarm)) this.#record(entryOf(alarm, true));
    for (const alarm of cleared) if (!isRecorded(alarm)) this.#record(entryOf(alarm, false));
    const notices = [
      ...raised.map((alarm) => ({ event: 'raised' as const, alarm })),
      ...cleared.map((alarm) => ({ event: 'cleared' as const, alarm })),
    ];
    if (notices.length === 0) return;
    alarmSink?.tell(notices);
    this.#note(this.alarms().slice(0, MOST_RAISED_ALARMS).map(raisedOf));
  }
}

/** The domain acts on these two itself, and the runtime on the other: they are in the history already. */
function isRecorded({ kind }: Alarm): boolean {
  return kind === 'orchestratorCutOff' || kind === 'storeSuspended';
}

function raisedOf({ key, kind, since, raisedAt, reason, shards, nodes }: Alarm): RaisedAlarm {
  return { key, kind, since, raisedAt, reason, shards, nodes };
}

function entryOf({ key, kind, level, reason, remedy, shards, nodes }: Alarm, isRaised: boolean): HistoryEntry {
  const fields = { alarm: key, kind, shards, nodes };
  const text = isRaised
    ? `Alarm ${kind}: ${reason} ${remedy}`
    : `The alarm ${kind} is over. The last that was known: ${reason}`;
  return {
    name: isRaised ? 'alarmRaised' : 'alarmCleared',
    level: isRaised ? level : 'info',
    text,
    by: AUTOMATIC,
    fields,
  };
}
