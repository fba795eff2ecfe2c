/**
 * A process as its surroundings see it: it has a clock and transports, it can be stopped for a while and killed. Code
 * that runs in it needs to know nothing of that: whatever comes in (timers, bytes, connections) passes through one
 * gate.
 *
 * - `running`: what comes in is handled at once.
 * - `paused` (SIGSTOP, a suspended machine): timers that fall due and what arrives wait; nothing is read from sockets.
 * - `catchingUp`: what waited is handled, one thing at a time, before anything new.
 * - `dead` (kill -9): nothing comes in, nothing goes out, its sockets and ports are closed by the system.
 */
import type { Address, ByteStream, ByteStreamHandlers, Cancel, Clock, Transport } from '@dshard/transport';
import { everyBy } from '@dshard/transport';
import { namesEvent, truncateFrames } from './control-connection.js';

/** `abort`: unsent bytes are lost; `flush`: they still arrive; `silent`: the machine is gone and nobody is told. */
export type Death = 'abort' | 'flush' | 'silent';

type Ambush = { eventId: number; before: boolean; isOn: () => boolean; act: () => void };

/** What the clocks of a machine are ahead of the world's. Somebody may set the wall clock. */
export type MachineClock = { readonly uptimeMs: number; wallClockMs: number };

type State = 'running' | 'paused' | 'catchingUp' | 'dead';

export class VirtualProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly #world: Clock;
  readonly #machine: MachineClock;
  /** What its line of time is ahead of the world's: that of the machine's clock when it started. */
  readonly #startedAheadMs: number;
  readonly #streams = new Set<ProcessStream>();
  readonly #ports = new Set<() => void>();
  #waiting: { from: 'timer' | 'network'; work: () => void }[] = [];
  #state: State = 'running';
  #deathAtWrite: { left: number; die: () => void } | null = null;
  #ambush: Ambush | null = null;
  /** Its last write was made; it is dead at the end of this turn. */
  #lastWriteMade = false;

  /** @param machine whose clocks it reads; without: the world's own. */
  constructor(name: string, world: Clock, machine: MachineClock = { uptimeMs: 0, wallClockMs: 0 }) {
    this.name = name;
    this.#world = world;
    this.#machine = machine;
    this.#startedAheadMs = machine.wallClockMs;
    this.clock = this.#ownClock();
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  get paused(): boolean {
    return this.#state === 'paused';
  }

  /** Something comes in. */
  run(work: () => void, from: 'timer' | 'network' = 'network'): void {
    if (this.#state === 'running') work();
    else if (this.#state !== 'dead') this.#waiting.push({ from, work });
  }

  pause(): void {
    if (this.#state === 'dead') return;
    this.#state = 'paused';
    for (const stream of this.#streams) stream.stopReading();
  }

  /** Timers that fell due run first, as an event loop does it. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'catchingUp';
    const timers = this.#waiting.filter(({ from }) => from === 'timer');
    this.#waiting = [...timers, ...this.#waiting.filter(({ from }) => from === 'network')];
    for (const stream of this.#streams) stream.readAgain();
    this.#catchUp();
  }

  #catchUp(): void {
    if (this.#state !== 'catchingUp') return;
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#state = 'running';
      return;
    }
    next.work();
    this.#world.after(0, () => this.#catchUp());
  }

  kill(death: Death): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#waiting = [];
    for (const close of this.#ports) close();
    for (const stream of this.#streams) stream.closeBySystem(death);
  }

  /** Dies in the middle of the write that comes after `writes` further ones: of that one only a part is sent. */
  dieAtWrite(writes: number, die: () => void): void {
    this.#deathAtWrite = { left: writes, die };
  }

  /** Something happens at the very moment at which it sends a message of this kind: before that goes out, or after. */
  ambush(ambush: Ambush): void {
    this.#ambush = ambush;
  }

  /** What of a write still goes out. */
  outgoing(bytes: Uint8Array): Uint8Array | null {
    if (this.#state === 'dead' || this.#lastWriteMade) return null;
    const ambush = this.#ambush;
    if (ambush?.isOn() === true && namesEvent(bytes, ambush.eventId)) {
      this.#ambush = null;
      queueMicrotask(ambush.act);
      if (ambush.before) return null;
    }
    if (this.#deathAtWrite === null || this.#deathAtWrite.left-- > 0) return bytes;
    const { die } = this.#deathAtWrite;
    this.#deathAtWrite = null;
    this.#lastWriteMade = true;
    queueMicrotask(die);
    return truncateFrames(bytes);
  }

  transport(network: Transport): Transport {
    return {
      connect: (address, options) =>
        new Promise((resolve, reject) => {
          if (!this.alive) return;
          network.connect(address, options).then(
            (stream) => {
              // It is the process's from the moment the system has it, also if the process never hears of it.
              const own = this.#own(stream);
              this.run(() => resolve(own));
            },
            (error: unknown) => this.run(() => reject(error)),
          );
        }),
      listen: (address, onStream) => this.#listen(network, address, onStream),
    };
  }

  async #listen(
    network: Transport,
    address: Address,
    onStream: (stream: ByteStream) => void,
  ): ReturnType<Transport['listen']> {
    const listener = await network.listen(address, (stream) => {
      const own = this.#own(stream);
      this.run(() => onStream(own));
    });
    this.#ports.add(() => void listener.close());
    return listener;
  }

  #own(stream: ByteStream): ByteStream {
    if (!this.alive) stream.destroy();
    const own = new ProcessStream(stream, this, () => this.#streams.delete(own));
    this.#streams.add(own);
    if (this.#state === 'paused') own.stopReading();
    return own;
  }

  #ownClock(): Clock {
    const world = this.#world;
    const after = (delayMs: number, callback: () => void): Cancel => {
      let live = true;
      const fire = (): void => {
        if (!live) return;
        live = false;
        callback();
      };
      const cancel = world.after(delayMs, () => this.run(fire, 'timer'));
      return () => {
        live = false;
        cancel();
      };
    };
    return {
      now: () => world.now() + this.#startedAheadMs,
      wallClock: () => world.wallClock() + this.#machine.wallClockMs,
      monotonicMs: () => world.monotonicMs() + this.#machine.uptimeMs,
      after,
      afterReading: (callback) => after(0, callback),
      every: everyBy(after),
    };
  }
}

/** A socket of the process: reading stops with the process, and its death closes it. */
class ProcessStream implements ByteStream {
  readonly #stream: ByteStream;
  readonly #process: VirtualProcess;
  readonly #onGone: () => void;
  #pausedByOwner = false;

  constructor(stream: ByteStream, process: VirtualProcess, onGone: () => void) {
    this.#stream = stream;
    this.#process = process;
    this.#onGone = onGone;
  }

  get remote(): Address {
    return this.#stream.remote;
  }

  get loopback(): boolean {
    return this.#stream.loopback;
  }

  get bufferedBytes(): number {
    return this.#stream.bufferedBytes;
  }

  handle(handlers: ByteStreamHandlers): void {
    const process = this.#process;
    this.#stream.handle({
      onData: (chunk) => process.run(() => handlers.onData(chunk)),
      onDrain: () => process.run(() => handlers.onDrain()),
      onClose: (reason) => {
        this.#onGone();
        process.run(() => handlers.onClose(reason));
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    const outgoing = this.#process.outgoing(bytes);
    return outgoing === null ? false : this.#stream.write(outgoing);
  }

  pause(): void {
    this.#pausedByOwner = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#pausedByOwner = false;
    if (!this.#process.paused) this.#stream.resume();
  }

  end(): void {
    if (this.#process.alive) this.#stream.end();
  }

  destroy(): void {
    if (this.#process.alive) this.#stream.destroy();
  }

  stopReading(): void {
    this.#stream.pause();
  }

  readAgain(): void {
    if (!this.#pausedByOwner) this.#stream.resume();
  }

  closeBySystem(death: Death): void {
    if (death === 'flush') this.#stream.end();
    else this.#stream.destroy();
  }
}

/**
 * The figures of the real process that nodes report in heartbeats stand still: they differ between two runs of a seed,
 * and asking the system for them is the most expensive thing a simulated node does. For the programs only; a test
 * runner is left alone.
 */
export function pinProcessFigures(): void {
  process.cpuUsage = () => ({ user: 0, system: 0 });
  process.memoryUsage.rss = () => 0;
}
