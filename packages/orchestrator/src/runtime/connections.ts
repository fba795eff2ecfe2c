/**
 * The connections of this run, by id. A connection is
 * - unidentified: its first message must be an Identify, and where there is a token its second one a proof, all within
 *   IDENTIFY_TIMEOUT_MS; only the Identify reaches the domain, with what came of the proof;
 * - identified: its messages and its end are told to the domain, in order;
 * - refused: nothing more of it is heard, and it waits for its close, longer each time its address is refused;
 * - closing: we closed it; what it still sends is dropped, its end is told if it was identified.
 *
 * Whatever a peer does wrong ends its own connection, with a stable code that is counted, and nothing else. Strangers
 * cannot shut nodes out: of too many unidentified connections of an address, or of all, the oldest is closed, and a
 * node identifies itself at once.
 */
import { longestShardList, MAX_SHARDS, type Identify, type Message } from '@dshard/protocol';
import type {
  ByteStream,
  Cancel,
  Clock,
  ConnectionEnd,
  MessageConnection,
  MessageConnectionOptions,
  Random,
} from '@dshard/transport';
import { openMessageConnection, UnfinishedFrames } from '@dshard/transport';
import type { Peer } from '../domain/state/events.js';
import type { OrchestratorErrorCode } from '../errors.js';
import type { ConnectionFigures } from '../metrics/metric.js';
import type { OrchestratorOptions } from './contract.js';
import { Crowd } from './crowd.js';
import { FlowControl } from './flow-control.js';
import { challengedBy, type Challenged } from './proof.js';
import { sourceOf } from './violations.js';

const IDENTIFY_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 4_096;
const MAX_PER_ADDRESS = 2_048;
/** Of one address, and of all: a fleet whose nodes all connect at once is accepted before the first of them is read. */
const MAX_UNIDENTIFIED = 1_024;
const MAX_UNIDENTIFIED_IN_ALL = 2_048;
/** So many of one address, and of all, wait for their close; beyond, the one that waits longest is closed. */
const MAX_REFUSED = 16;
const MAX_REFUSED_IN_ALL = 256;
/** So much state may wait for a slow destination before its origins are held back, whatever credit they have. */
const TRANSFER_BACKLOG_BYTES = 32 * 1024 * 1024;

/** Ends that are nobody's fault. */
const CLEAN_ENDS: ReadonlySet<string> = new Set(['DSO_CONNECTION_CLOSED', 'DSO_CONNECTION_LOST']);

/** Nodes of ours hang up on an orchestrator that cannot prove their own token. */
const UNANSWERED = refusal('DSO_CHALLENGE_UNANSWERED', 'it left when it was challenged, so it has another token');

export type ConnectionsOptions = {
  runId: string;
  clock: Clock;
  limits: Pick<OrchestratorOptions, 'maxConnections' | 'maxPerAddress' | 'maxUnidentified' | 'connection'>;
  /** No list of shards in a message is longer than the fleet has shards. */
  maxShards?(): number;
  /** The shared token, or null. */
  token: string | null;
  random: Random;
  onIdentify(connection: string, message: Identify, peer: Peer): void;
  onMessage(connection: string, message: Message): void;
  /** An event id of the protocol's own that nobody here knows; it is ignored. */
  onUnknownEvent(connection: string, eventId: number): void;
  /** Only of connections that were identified. */
  onClosed(connection: string, end: ConnectionEnd): void;
  /** A peer broke a rule or a limit; its connection is closed for it. @returns how long it waits for the close. */
  onViolation(remote: string, end: ConnectionEnd): number;
  /** A peer was not let in. @returns the same. */
  delayOf?(remote: string): number;
};

type Unidentified = Extract<Entry['phase'], { kind: 'unidentified' }>;

type Entry = {
  readonly id: string;
  readonly connection: MessageConnection;
  readonly source: string;
  phase:
    | { kind: 'unidentified'; cancelTimeout: Cancel; challenged: Challenged | null }
    | { kind: 'identified' }
    | { kind: 'refused'; end: ConnectionEnd; cancelWait: Cancel }
    | { kind: 'closing'; identified: boolean };
};

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #unidentified: Crowd<Entry>;
  readonly #refused = new Crowd<Entry>(MAX_REFUSED, MAX_REFUSED_IN_ALL);
  readonly #perSource = new Map<string, number>();
  readonly #flow: FlowControl;
  readonly #connection: MessageConnectionOptions;
  readonly #onEmpty: (() => void)[] = [];
  #count = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#unidentified = new Crowd(options.limits.maxUnidentified ?? MAX_UNIDENTIFIED, MAX_UNIDENTIFIED_IN_ALL);
    this.#connection = { unfinished: new UnfinishedFrames(options.clock), ...options.limits.connection };
    this.#flow = new FlowControl(options.clock, {
      pause: (id) => this.#entries.get(id)?.connection.pauseReading(),
      resume: (id) => this.#entries.get(id)?.connection.resumeReading(),
    });
  }

  accept(stream: ByteStream): void {
    const source = sourceOf(stream.remote);
    const full = this.#fullFor(source);
    if (full !== null) {
      stream.destroy();
      this.#options.onViolation(stream.remote, refusal('DSO_TOO_MANY_CONNECTIONS', full));
      return;
    }
    const connection = openMessageConnection(stream, this.#connection);
    const id = `${this.#options.runId}.c${++this.#count}`;
    const cancelTimeout = this.#options.clock.after(IDENTIFY_TIMEOUT_MS, () =>
      this.#refuse(entry, 'DSO_IDENTIFY_TIMEOUT', `no Identify came within ${IDENTIFY_TIMEOUT_MS / 1000} s`),
    );
    const entry: Entry = { id, connection, source, phase: { kind: 'unidentified', cancelTimeout, challenged: null } };
    this.#entries.set(id, entry);
    this.#perSource.set(source, (this.#perSource.get(source) ?? 0) + 1);
    connection.handle({
      onMessage: (message) => this.#received(entry, message),
      onUnknownEvent: (eventId) => this.#receivedUnknown(entry, eventId),
      onDrain: () => this.#flow.drained(id),
      onBroken: (end) => this.#refuseFor(entry, end),
      onClose: (end) => this.#closed(entry, end),
    });
    const oldest = this.#unidentified.add(source, entry);
    if (oldest !== null) {
      const why = 'too many newer connections wait to identify themselves';
      this.#enterClosing(oldest, refusal('DSO_TOO_MANY_CONNECTIONS', why));
      this.#options.onViolation(oldest.connection.remote, refusal('DSO_TOO_MANY_CONNECTIONS', why));
    }
  }

  #fullFor(source: string): string | null {
    const { maxConnections = MAX_CONNECTIONS, maxPerAddress = MAX_PER_ADDRESS } = this.#options.limits;
    if (this.#entries.size >= maxConnections) return `${maxConnections} connections are open already`;
    if ((this.#perSource.get(source) ?? 0) < maxPerAddress) return null;
    return `${maxPerAddress} connections from this address are open already`;
  }

  /**
   * `cause` is the connection whose message led to this one: when it is state of a shard that the receiver is slow to
   * take, the sender is slowed down. Sending to a connection that is gone does nothing: its end is, or will be, told.
   */
  send(id: string, message: Message, cause: string | null): void {
    const entry = this.#entries.get(id);
    if (entry?.phase.kind !== 'identified') return;
    const takesMore = entry.connection.send(message);
    const isTooMuch = !takesMore && isStateBeyondBound(message, entry.connection.bufferedBytes);
    // Sending may have closed it (a limit): then there is nobody to wait for.
    if (isTooMuch && cause !== null && cause !== id && this.#entries.has(id)) this.#flow.hold(cause, id);
  }

  figures(): ConnectionFigures {
    const byPhase = { unidentified: 0, identified: 0, refused: 0, closing: 0 };
    const queuedBytes = new Map<string, number>();
    for (const { id, phase, connection } of this.#entries.values()) {
      byPhase[phase.kind] += 1;
      if (phase.kind === 'identified') queuedBytes.set(id, connection.bufferedBytes);
    }
    return { byPhase, queuedBytes };
  }

  established(id: string): void {
    this.#entries.get(id)?.connection.established();
  }

  /** `refused`: whoever sent this Identify is not let in. */
  close(id: string, end: ConnectionEnd, refused = false): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#closeLater(entry, end, refused ? (this.#options.delayOf?.(entry.connection.remote) ?? 0) : 0);
  }

  /** Resolves when every connection is gone, or after `timeoutMs`, when what is left is cut off. */
  async closeAll(end: ConnectionEnd, timeoutMs: number): Promise<void> {
    const entries = [...this.#entries.values()];
    if (entries.length === 0) return;
    const empty = new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(timeoutMs, () => {
        for (const entry of this.#entries.values()) entry.connection.destroy(end);
        resolve();
      });
      this.#onEmpty.push(() => {
        cancel();
        resolve();
      });
    });
    for (const entry of entries) this.#enterClosing(entry, end);
    await empty;
  }

  #received(entry: Entry, message: Message): void {
    switch (entry.phase.kind) {
      case 'unidentified':
        if (entry.phase.challenged === null) this.#receivedFirst(entry, entry.phase, message);
        else this.#receivedProof(entry, entry.phase.challenged, message);
        return;
      case 'identified': {
        const excess = this.#excess(message);
        if (excess === null) this.#options.onMessage(entry.id, message);
        else this.#refuseFor(entry, excess);
        return;
      }
      case 'refused':
      case 'closing':
    }
  }

  #excess(message: Message): ConnectionEnd | null {
    const most = this.#options.maxShards?.() ?? MAX_SHARDS;
    const length = longestShardList(message);
    if (length <= most) return null;
    const why = `${message.kind} has a list of ${length} shards, and the fleet has ${most}`;
    return { code: 'DSO_FIELD_RANGE', message: `A message was refused: ${why}.` };
  }

  #receivedFirst(entry: Entry, phase: Unidentified, message: Message): void {
    if (message.kind !== 'identify') {
      this.#refuse(entry, 'DSO_IDENTIFY_EXPECTED', `its first message was ${message.kind}, not identify`);
      return;
    }
    const { token, random } = this.#options;
    if (token === null || message.nonce === undefined) {
      this.#identified(entry, message, 'none');
      return;
    }
    const challenged = challengedBy(token, message.nonce, message, random);
    entry.phase = { ...phase, challenged };
    entry.connection.send(challenged.challenge);
  }

  #receivedProof(entry: Entry, challenged: Challenged, message: Message): void {
    if (message.kind !== 'proof') {
      this.#refuse(entry, 'DSO_PROOF_EXPECTED', `it answered the challenge with ${message.kind}, not with a proof`);
      return;
    }
    const { isRight, identify } = challenged.check(message);
    this.#identified(entry, identify, isRight ? 'right' : 'wrong');
  }

  #identified(entry: Entry, message: Identify, proof: Peer['proof']): void {
    this.#leaveUnidentified(entry);
    entry.phase = { kind: 'identified' };
    const { remote, loopback } = entry.connection;
    this.#options.onIdentify(entry.id, message, { remote, loopback, proof });
  }

  /** The base level's way with later additions: ignored. From a stranger it is a first message that is no Identify. */
  #receivedUnknown(entry: Entry, eventId: number): void {
    if (entry.phase.kind === 'unidentified') {
      this.#refuse(entry, 'DSO_IDENTIFY_EXPECTED', `its first message was the unknown event ${eventId}, not identify`);
    } else if (entry.phase.kind === 'identified') {
      this.#options.onUnknownEvent(entry.id, eventId);
    }
  }

  #refuse(entry: Entry, code: OrchestratorErrorCode, why: string): void {
    this.#refuseFor(entry, refusal(code, why));
  }

  #refuseFor(entry: Entry, end: ConnectionEnd): void {
    if (entry.phase.kind === 'closing' || entry.phase.kind === 'refused') return;
    const wasIdentified = entry.phase.kind === 'identified';
    const delayMs = this.#options.onViolation(entry.connection.remote, end);
    this.#closeLater(entry, end, delayMs);
    // Its end is told now, and not when the wait is over: what it ran is to be cared for.
    if (wasIdentified && delayMs > 0) this.#options.onClosed(entry.id, end);
  }

  #closeLater(entry: Entry, end: ConnectionEnd, delayMs: number): void {
    if (entry.phase.kind === 'closing' || entry.phase.kind === 'refused') return;
    if (delayMs === 0) {
      this.#enterClosing(entry, end);
      return;
    }
    this.#leaveUnidentified(entry);
    this.#flow.forget(entry.id);
    entry.connection.pauseReading();
    const cancelWait = this.#options.clock.after(delayMs, () => this.#enterClosing(entry, end));
    entry.phase = { kind: 'refused', end, cancelWait };
    const longest = this.#refused.add(entry.source, entry);
    if (longest?.phase.kind === 'refused') this.#enterClosing(longest, longest.phase.end);
  }

  #enterClosing(entry: Entry, end: ConnectionEnd): void {
    if (entry.phase.kind === 'closing') return;
    this.#leaveUnidentified(entry);
    this.#leaveRefused(entry);
    entry.phase = { kind: 'closing', identified: entry.phase.kind === 'identified' };
    this.#flow.forget(entry.id);
    entry.connection.close(end);
  }

  #leaveRefused(entry: Entry): void {
    if (entry.phase.kind === 'refused') entry.phase.cancelWait();
    this.#refused.delete(entry.source, entry);
  }

  #leaveUnidentified(entry: Entry): void {
    if (entry.phase.kind === 'unidentified') entry.phase.cancelTimeout();
    this.#unidentified.delete(entry.source, entry);
  }

  #closed(entry: Entry, end: ConnectionEnd): void {
    const { phase } = entry;
    this.#leaveUnidentified(entry);
    this.#leaveRefused(entry);
    this.#entries.delete(entry.id);
    const ofSource = (this.#perSource.get(entry.source) ?? 0) - 1;
    if (ofSource > 0) this.#perSource.set(entry.source, ofSource);
    else this.#perSource.delete(entry.source);
    this.#flow.forget(entry.id);
    const { remote } = entry.connection;
    const isOurs = phase.kind === 'closing' || phase.kind === 'refused';
    if (!isOurs && !CLEAN_ENDS.has(end.code)) this.#options.onViolation(remote, end);
    else if (phase.kind === 'unidentified' && phase.challenged !== null) this.#options.onViolation(remote, UNANSWERED);
    if (phase.kind === 'identified' || (phase.kind === 'closing' && phase.identified)) {
      this.#options.onClosed(entry.id, end);
    }
    if (this.#entries.size === 0) for (const onEmpty of this.#onEmpty.splice(0)) onEmpty();
  }
}

/** Of a live migration only what exceeds the usual windows of credit: within them the destination sets the pace. */
function isStateBeyondBound({ kind }: Message, bufferedBytes: number): boolean {
  if (kind === 'transferData') return bufferedBytes > TRANSFER_BACKLOG_BYTES;
  return kind === 'userEvent';
}

function refusal(code: OrchestratorErrorCode, why: string): ConnectionEnd {
  return { code, message: `The connection was refused: ${why}.` };
}
