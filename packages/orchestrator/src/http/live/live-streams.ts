/**
 * `GET /v1/live`: one view of the fleet for all readers. A few times a second the view looks at the state, and what has
 * changed is written once and handed to everybody. Event ids are `<run>-<number>`; a reader that comes back with
 * `Last-Event-ID` gets the deltas it missed where they are still kept, else a snapshot.
 *
 * Memory is bounded however slow readers are. A reader that has too much unread is behind: it is sent nothing, and gets
 * a new snapshot when it has read all it had. Nobody looks where nobody has read for a while.
 */
import type { ServerResponse } from 'node:http';
import type { LiveSnapshot } from '@dshard/api/live';
import type { Cancel, Clock } from '@dshard/transport';
import type { OrchestratorHandle } from '../../runtime/contract.js';
import type { OpenStreams } from '../server-sent-events.js';
import { deltaBetween } from './live-delta.js';
import type { About } from './live-fleet.js';
import { LiveView } from './live-view.js';

const LOOK_EVERY_MS = 100;
/** Looking may take this share of the time: where a look is dear, the next one comes later. */
const SHARE_OF_TIME = 0.1;
/** Deltas that are held for readers that come back: half a minute of them. */
const MAX_RETAINED = 300;
const MAX_RETAINED_BYTES = 4 * 1024 * 1024;
/** For so long somebody who was cut off may come back and go on, also where nobody else reads. */
const LINGER_MS = 30_000;
/** What a reader may have unread and still get deltas. */
const MAX_UNREAD_BYTES = 1024 * 1024;

type Reader = { readonly response: ServerResponse; write(this: void, chunk: Uint8Array): boolean; isBehind: boolean };

type AskedLive = {
  /** Of the last event that the reader has seen. */
  readonly lastId: string | null;
  isStillAllowed(this: void): boolean;
};

export class LiveStreams {
  readonly #orchestrator: OrchestratorHandle;
  readonly #clock: Clock;
  readonly #streams: OpenStreams;
  readonly #about: About;
  readonly #run: string;
  readonly #readers = new Set<Reader>();
  /** The newest last; the number of the last one is `#number`. */
  #retained: Uint8Array[] = [];
  #retainedBytes = 0;
  #number = 0;
  #view: LiveView;
  #snapshot: LiveSnapshot | null = null;
  #lastReadMs = 0;
  /** As it was written, for all who need it. */
  #written: { readonly of: LiveSnapshot; readonly event: Uint8Array } | null = null;
  #cancel: Cancel | null = null;
  #cancelEntries: Cancel | null = null;

  /** @param run another one for each run of an orchestrator: numbers begin anew. */
  constructor(orchestrator: OrchestratorHandle, streams: OpenStreams, clock: Clock, about: About & { run: string }) {
    this.#orchestrator = orchestrator;
    this.#streams = streams;
    this.#clock = clock;
    this.#about = about;
    this.#run = about.run;
    this.#view = new LiveView(orchestrator, clock, about);
  }

  /** As it is now, for who asks once. */
  snapshot(): LiveSnapshot {
    if (this.#cancel === null) return new LiveView(this.#orchestrator, this.#clock, this.#about).look();
    return this.#look();
  }

  /** Takes the response over. False: there are too many streams already, and the response is untouched. */
  open(response: ServerResponse, { lastId, isStillAllowed }: AskedLive): boolean {
    const leave = (): void => void this.#readers.delete(reader);
    const stream = this.#streams.open(response, { isStillAllowed, cancels: [leave] });
    if (stream === null) return false;
    const reader: Reader = { response, write: stream.write, isBehind: false };
    response.on('drain', () => {
      if (reader.isBehind && this.#readers.has(reader)) this.#greet(reader);
    });
    this.#start();
    this.#look();
    const missed = this.#missedSince(lastId);
    if (missed === null) this.#greet(reader);
    else for (const event of missed) reader.write(event);
    this.#readers.add(reader);
    return true;
  }

  close(): void {
    this.#cancel?.();
    this.#cancelEntries?.();
    [this.#cancel, this.#cancelEntries] = [null, null];
    this.#forget();
  }

  #start(): void {
    this.#lastReadMs = this.#clock.monotonicMs();
    this.#cancelEntries ??= this.#orchestrator.onEntry((entry) => this.#view.note(entry));
    this.#cancel ??= this.#clock.after(LOOK_EVERY_MS, () => this.#tick());
  }

  /** The next look makes a snapshot that goes on from none. */
  #forget(): void {
    this.#view = new LiveView(this.#orchestrator, this.#clock, this.#about);
    [this.#snapshot, this.#written, this.#retained, this.#retainedBytes] = [null, null, [], 0];
    this.#number += 1;
  }

  #tick(): void {
    const beganMs = this.#clock.monotonicMs();
    if (this.#readers.size > 0) this.#lastReadMs = beganMs;
    else if (beganMs - this.#lastReadMs > LINGER_MS) return this.close();
    this.#look();
    const tookMs = this.#clock.monotonicMs() - beganMs;
    this.#cancel = this.#clock.after(Math.max(LOOK_EVERY_MS, tookMs / SHARE_OF_TIME), () => this.#tick());
  }

  #look(): LiveSnapshot {
    if (this.#view.isOutdated()) this.#forget();
    const before = this.#snapshot;
    const next = this.#view.look();
    this.#snapshot = next;
    if (before === null) for (const reader of this.#readers) this.#greet(reader);
    const delta = before === null ? null : deltaBetween(before, next);
    if (delta === null) return next;
    this.#number += 1;
    const event = this.#eventOf('delta', delta);
    this.#retain(event);
    for (const reader of this.#readers) {
      if (reader.isBehind) continue;
      if (reader.response.writableLength > MAX_UNREAD_BYTES) reader.isBehind = true;
      else reader.write(event);
    }
    return next;
  }

  #retain(event: Uint8Array): void {
    this.#retained.push(event);
    this.#retainedBytes += event.length;
    while (this.#retained.length > MAX_RETAINED || this.#retainedBytes > MAX_RETAINED_BYTES) {
      this.#retainedBytes -= this.#retained.shift()?.length ?? 0;
    }
  }

  /** null: they are not held, or of another run. */
  #missedSince(lastId: string | null): readonly Uint8Array[] | null {
    const [run, number] = lastId?.split(/-(?=\d+$)/) ?? [];
    if (run !== this.#run || number === undefined) return null;
    const missed = this.#number - Number(number);
    if (missed < 0 || missed > this.#retained.length) return null;
    return missed === 0 ? [] : this.#retained.slice(-missed);
  }

  /** With a snapshot; a reader that has something unread gets one when it has read that. */
  #greet(reader: Reader): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) return;
    reader.isBehind = reader.response.writableNeedDrain;
    if (reader.isBehind) return;
    if (this.#written?.of !== snapshot) this.#written = { of: snapshot, event: this.#eventOf('snapshot', snapshot) };
    reader.write(this.#written.event);
  }

  #eventOf(kind: 'snapshot' | 'delta', data: object): Uint8Array {
    return Buffer.from(`id: ${this.#run}-${this.#number}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
