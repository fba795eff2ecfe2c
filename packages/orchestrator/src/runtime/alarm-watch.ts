/**
 * Looks at the fleet once a second, and says which alarms have risen and fallen: in the history, in the log, and to a
 * sink. It only reads: no decision waits for it, and it goes on while the store is suspended and nothing is decided.
 */
import type { Alarm } from '@dshard/api';
import type { Cancel } from '@dshard/transport';
import { alarmsOf, lookAt, NO_ALARMS, type AlarmBook } from '../domain/alarms/alarms.js';
import { troublesOf } from '../domain/alarms/troubles.js';
import { AUTOMATIC, type HistoryEntry } from '../domain/state/effects.js';
import type { OrchestratorHandle, OrchestratorOptions } from './contract.js';

const LOOK_EVERY_MS = 1_000;

/** From when on a shard that is down is a trouble. */
const SHARDS_DOWN_AFTER_MS = 30_000;

type Options = Pick<OrchestratorOptions, 'clock' | 'alarmSink' | 'shardsDownAfterMs'>;

export class AlarmWatch {
  readonly #options: Options;
  readonly #watched: Pick<OrchestratorHandle, 'state' | 'store'>;
  readonly #record: (entry: HistoryEntry) => void;
  #book: AlarmBook = NO_ALARMS;
  #cancel: Cancel | null = null;

  constructor(
    options: Options,
    watched: Pick<OrchestratorHandle, 'state' | 'store'>,
    record: (entry: HistoryEntry) => void,
  ) {
    this.#options = options;
    this.#watched = watched;
    this.#record = record;
  }

  start(): void {
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
    if (notices.length > 0) alarmSink?.tell(notices);
  }
}

/** The domain acts on these two itself, and the runtime on the other: they are in the history already. */
function isRecorded({ kind }: Alarm): boolean {
  return kind === 'orchestratorCutOff' || kind === 'storeSuspended';
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
