/**
 * The state of one shard on its way into the spool, or out. Both keep to the flow control of a live migration: what
 * comes in is never more than a window ahead of the disk, what goes out never more than the credit that its node gave.
 * So no shard's state is in memory as a whole, and none is decoded.
 *
 * A file is a row of events, each with its id and the length of its body (u32, big-endian) before the body.
 */
import { FIRST_USER_EVENT_ID, MAX_BODY_BYTES, messageOf, type Message, type MessageOf } from '@dshard/protocol';
import { digestTransferData, EMPTY_TRANSFER_DIGEST } from '@dshard/transport';
import type { SpoolReader, SpoolWriter, StateSpool } from '../ports/state-spool.js';

const HEADER_BYTES = 8;
/** What an origin may send ahead of the disk. */
const WINDOW_BYTES = 1024 * 1024;
/** Credit is given back in parts of the window. */
const CREDIT_PARTS = 4;

type Totals = { events: number; bytes: number; hash: string };

const NOTHING: Totals = { events: 0, bytes: 0, hash: EMPTY_TRANSFER_DIGEST };

function plus({ events, bytes, hash }: Totals, eventId: number, body: Uint8Array): Totals {
  return {
    events: events + 1,
    bytes: bytes + body.byteLength,
    hash: digestTransferData(hash, { index: events, eventId, body }),
  };
}

function isSame(a: Totals, b: Totals): boolean {
  return a.events === b.events && a.bytes === b.bytes && a.hash === b.hash;
}

export type StreamOptions = {
  spool: StateSpool;
  file: string;
  about: { migrationId: string; shardId: number };
  say: (message: Message) => void;
  /** Room for so many more bytes is taken. Throws a sentence without its period where there is none. */
  takeRoom: (bytes: number, ofShard: number) => void;
};

/** One thing at a time, in order; the first failure is told and ends the stream. */
class Stream {
  protected readonly options: StreamOptions;
  #last: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(options: StreamOptions) {
    this.options = options;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  protected enqueue(step: Message['kind'], work: () => Promise<void>): void {
    this.#last = this.#last.then(async () => {
      if (this.#isOver) return;
      try {
        await work();
      } catch (error) {
        if (!this.#isOver) this.say({ kind: 'transferFailed', step, reason: messageOf(error), ...this.options.about });
        this.#isOver = true;
      }
    });
  }

  protected say(message: Message): void {
    if (!this.#isOver) this.options.say(message);
  }

  /** Nobody waits for it any more. Resolves when what it was at has ended. */
  protected async stop(): Promise<void> {
    this.#isOver = true;
    await this.#last;
  }
}

/** From a node into the spool. */
export class StateIn extends Stream {
  #writer: SpoolWriter | null = null;
  #totals = NOTHING;
  /** Not written yet, and written but not given back as credit. */
  #pending = 0;
  #owed = 0;

  open(): void {
    const { spool, file, takeRoom, about } = this.options;
    this.enqueue('transferOpen', async () => {
      takeRoom(0, 0);
      this.#writer = await spool.create(file);
      this.say({ kind: 'transferOpened', session: null, creditBytes: WINDOW_BYTES, ...about });
    });
  }

  add({ index, eventId, body }: MessageOf<'transferData'>): void {
    const outstanding = this.#pending + this.#owed;
    const isTooMuch = outstanding > 0 && outstanding + body.byteLength > WINDOW_BYTES;
    this.#pending += body.byteLength;
    this.enqueue('transferData', async () => {
      if (isTooMuch) throw new Error('the origin sent more than it had credit for');
      if (index !== this.#totals.events) throw new Error(`event ${index} came where ${this.#totals.events} was due`);
      const header = new DataView(new ArrayBuffer(HEADER_BYTES));
      header.setUint32(0, eventId);
      header.setUint32(4, body.byteLength);
      this.options.takeRoom(HEADER_BYTES + body.byteLength, this.#totals.bytes + body.byteLength);
      await this.#writer?.write(Buffer.concat([new Uint8Array(header.buffer), body]));
      this.#totals = plus(this.#totals, eventId, body);
      this.#pending -= body.byteLength;
      this.#owed += body.byteLength;
      if (this.#pending === 0 || this.#owed >= WINDOW_BYTES / CREDIT_PARTS) this.#giveCredit();
    });
  }

  #giveCredit(): void {
    const bytes = this.#owed;
    this.#owed = 0;
    if (bytes > 0) this.say({ kind: 'transferCredit', bytes, ...this.options.about });
  }

  /** That was all: it is durable before that is said. */
  verify({ events, bytes, hash }: MessageOf<'transferManifest'>): void {
    this.enqueue('transferManifest', async () => {
      const { about } = this.options;
      const came = this.#totals;
      if (isSame(came, { events, bytes, hash })) {
        await this.#writer?.finish();
        this.#writer = null;
        this.say({ kind: 'transferVerified', ok: true, reason: '', ...about });
      } else {
        const reason = `${came.events} events of ${came.bytes} bytes came, and ${events} of ${bytes} were sent`;
        this.say({ kind: 'transferVerified', ok: false, reason, ...about });
      }
    });
  }

  async drop(): Promise<void> {
    await this.stop();
    await this.#writer?.discard();
    this.#writer = null;
  }
}

/** From the spool to a node. */
export class StateOut extends Stream {
  #reader: EventReader | null = null;
  /** What was parked. */
  #whole = NOTHING;
  #sent = { events: 0, bytes: 0 };
  #available = 0;
  #window = 0;
  #wake: () => void = () => undefined;

  /** It is read once before it goes anywhere: no node is given what was not parked. */
  open({ session }: MessageOf<'transferOpen'>, whole: Totals): void {
    const { spool, file, about } = this.options;
    this.#whole = whole;
    this.enqueue('transferOpen', async () => {
      const first = new EventReader(await spool.open(file));
      let found = NOTHING;
      try {
        for (let event = await first.next(); event !== null; event = await first.next()) {
          found = plus(found, event.eventId, event.body);
          if (this.isOver) return;
        }
      } finally {
        await first.close();
      }
      if (!isSame(found, whole)) throw new Error(DAMAGED);
      this.#reader = new EventReader(await spool.open(file));
      this.say({ kind: 'transferOpened', session, creditBytes: 0, ...about });
    });
  }

  copy(creditBytes: number): void {
    const { about } = this.options;
    this.#window = creditBytes;
    this.#available += creditBytes;
    this.enqueue('transferCopy', async () => {
      for (let event = await this.#next(); event !== null; event = await this.#next()) {
        const { eventId, body } = event;
        while (!this.isOver && this.#available < Math.min(body.byteLength, this.#window)) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
        if (this.isOver) return;
        this.#available -= body.byteLength;
        this.say({ kind: 'transferData', index: this.#sent.events, eventId, body, ...about });
        this.#sent = { events: this.#sent.events + 1, bytes: this.#sent.bytes + body.byteLength };
      }
      this.say({ kind: 'transferCopied', ...this.#sent, ...about });
    });
  }

  async #next(): Promise<SpooledEvent | null> {
    return (await this.#reader?.next()) ?? null;
  }

  credit(bytes: number): void {
    this.#available += bytes;
    this.#wake();
  }

  /**
   * Nobody serves the shard, so there is nothing to freeze. The manifest is of what was parked, not of what was read:
   * a node refuses a file that changed after the first look.
   */
  manifest(): void {
    const { about } = this.options;
    const { events, bytes, hash } = this.#whole;
    this.enqueue('transferFreeze', async () => {
      this.say({ kind: 'transferManifest', events, bytes, hash, session: null, ...about });
    });
  }

  async drop(): Promise<void> {
    const stopped = this.stop();
    this.#wake();
    await stopped;
    await this.#reader?.close();
    this.#reader = null;
  }
}

const DAMAGED = 'what is in the spool is not what was parked';

type SpooledEvent = { eventId: number; body: Uint8Array };

/** Cuts a file into its events. */
class EventReader {
  readonly #reader: SpoolReader;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(reader: SpoolReader) {
    this.#reader = reader;
  }

  async next(): Promise<SpooledEvent | null> {
    const header = await this.#take(HEADER_BYTES);
    if (header === null) return null;
    const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
    const eventId = view.getUint32(0);
    const length = view.getUint32(4);
    if (eventId < FIRST_USER_EVENT_ID || length > MAX_BODY_BYTES) throw new Error(DAMAGED);
    const body = await this.#take(length);
    if (body === null) throw new Error(DAMAGED);
    return { eventId, body };
  }

  /** null: the file ends before. */
  async #take(length: number): Promise<Uint8Array | null> {
    while (this.#bytes < length) {
      const piece = await this.#reader.read();
      if (piece === null) {
        if (this.#bytes > 0) throw new Error(DAMAGED);
        return null;
      }
      this.#pieces.push(piece);
      this.#bytes += piece.byteLength;
    }
    const all = this.#pieces.length === 1 ? (this.#pieces[0] ?? new Uint8Array()) : Buffer.concat(this.#pieces);
    this.#pieces = [all.subarray(length)];
    this.#bytes -= length;
    return all.subarray(0, length);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
