/**
 * A model node's side of live migrations, after transfer-messages.ts: as origin it sends within its credit, freezes,
 * and unfreezes when it is told to, loses its connection, or hears nothing for two heartbeats; as destination it gives
 * one byte of credit at a time and checks that what came is whole and in order.
 */
import type { Message, MessageOf } from '@dshard/protocol';
import type { ModelNode } from './model-node.js';

type Transfer = Extract<Message, { migrationId: string }>;

type Offer = { migrationId: string; index: number; left: number; credit: number; answer: 'copied' | 'manifest' | null };
type Staging = { migrationId: string; events: number; manifest: MessageOf<'transferManifest'> | null };

const BEATS_FROZEN = 2;

export class ModelTransfers {
  /** Shards that leave, and still serve or are frozen. */
  readonly offers = new Map<number, Offer>();
  /** Of those, the frozen ones, and for how many more heartbeats. */
  readonly frozen = new Map<number, number>();
  /** By shard, which migration it was released for. */
  readonly releasedFor = new Map<number, string>();
  readonly staging = new Map<number, Staging>();
  /** Those that user code was told of. */
  readonly announced = new Set<number>();
  /** How often a shard was frozen and went on here. */
  unfrozen = 0;
  readonly #node: ModelNode;

  constructor(node: ModelNode) {
    this.#node = node;
  }

  receive(message: Transfer): void {
    switch (message.kind) {
      case 'shardLeaving':
        if (this.#node.running.has(message.shardId)) {
          this.announced.add(message.shardId);
          this.#node.send({ kind: 'shardMayLeave', migrationId: message.migrationId, shardId: message.shardId });
        } else this.refuse(message, 'it does not run here');
        break;
      case 'transferWarmUp': {
        const { migrationId, shardId } = message;
        if (this.staging.get(shardId)?.migrationId === migrationId) {
          this.#node.send({ kind: 'transferWarm', migrationId, shardId });
        } else this.refuse(message, 'it is not in this migration here');
        break;
      }
      case 'transferOpen':
        if (message.role === 'origin') this.#offer(message);
        else this.#stage(message);
        break;
      case 'transferCopy':
        this.#of(message, (offer) => {
          offer.credit = message.creditBytes;
          offer.left = this.#node.userEventsPerShard;
          offer.answer = 'copied';
          this.#send(message.shardId, offer);
        });
        break;
      case 'transferCredit': {
        const offer = this.offers.get(message.shardId);
        if (offer?.migrationId !== message.migrationId) break;
        offer.credit += message.bytes;
        this.#send(message.shardId, offer);
        break;
      }
      case 'transferFreeze':
        this.#of(message, (offer) => {
          this.frozen.set(message.shardId, BEATS_FROZEN);
          offer.left = 1;
          offer.answer = 'manifest';
          this.#send(message.shardId, offer);
        });
        break;
      case 'transferRelease':
        this.#release(message);
        break;
      case 'transferDone':
        if (this.releasedFor.get(message.shardId) === message.migrationId) this.#node.retained.delete(message.shardId);
        break;
      case 'transferData':
        this.#take(message);
        break;
      case 'transferManifest':
        this.#verify(message);
        break;
      case 'transferActivate':
        this.#activate(message);
        break;
      case 'transferAbort':
        this.#abort(message);
        break;
      case 'shardMayLeave':
      case 'transferWarm':
      case 'transferOpened':
      case 'transferCopied':
      case 'transferVerified':
      case 'transferReleased':
      case 'transferActivated':
      case 'transferFailed':
        throw new Error(`${message.kind} is not for a node to receive`);
    }
  }

  refuse({ migrationId, shardId, kind }: Transfer, reason: string): void {
    this.drop(shardId);
    this.#node.send({ kind: 'transferFailed', migrationId, shardId, step: kind, reason });
  }

  /** A frozen shard that waited for too long goes on. */
  beat(): void {
    for (const [shardId, beats] of this.frozen) {
      if (beats > 1) this.frozen.set(shardId, beats - 1);
      else this.unfreeze(shardId);
    }
  }

  unfreeze(shardId: number): void {
    const offer = this.offers.get(shardId);
    if (offer === undefined) return;
    this.drop(shardId);
    const { migrationId } = offer;
    this.#node.send({
      kind: 'transferFailed',
      migrationId,
      shardId,
      step: 'transferFreeze',
      reason: 'it was frozen for too long',
    });
  }

  /** The connection is lost, or the process: nothing that is not released goes on. */
  forget(): void {
    for (const shardId of [...this.offers.keys(), ...this.staging.keys()]) this.drop(shardId);
  }

  drop(shardId: number): void {
    if (this.frozen.delete(shardId)) this.unfrozen += 1;
    this.offers.delete(shardId);
    this.staging.delete(shardId);
  }

  #of(message: Transfer, then: (offer: Offer) => void): void {
    const offer = this.offers.get(message.shardId);
    if (offer?.migrationId === message.migrationId) then(offer);
    else this.refuse(message, 'it is not in this migration here');
  }

  #offer(message: MessageOf<'transferOpen'>): void {
    const { migrationId, shardId } = message;
    if (!this.#node.running.has(shardId)) {
      this.refuse(message, 'it does not run here');
      return;
    }
    this.drop(shardId);
    this.offers.set(shardId, { migrationId, index: 0, left: 0, credit: 0, answer: null });
    const session = this.#node.session(shardId);
    this.#node.send({ kind: 'transferOpened', migrationId, shardId, session, creditBytes: 0 });
  }

  #send(shardId: number, offer: Offer): void {
    const { migrationId } = offer;
    while (offer.left > 0 && offer.credit > 0) {
      const body = new Uint8Array([offer.index]);
      this.#node.send({ kind: 'transferData', migrationId, shardId, index: offer.index, eventId: 100, body });
      offer.index += 1;
      offer.left -= 1;
      offer.credit -= 1;
    }
    if (offer.left > 0 || offer.answer === null) return;
    const told = { migrationId, shardId, events: offer.index, bytes: offer.index };
    if (offer.answer === 'copied') this.#node.send({ kind: 'transferCopied', ...told });
    else this.#node.send({ kind: 'transferManifest', ...told, hash: 'h', session: this.#node.session(shardId) });
    offer.answer = null;
  }

  #release(message: MessageOf<'transferRelease'>): void {
    const { migrationId, shardId } = message;
    if (this.offers.get(shardId)?.migrationId !== migrationId || !this.frozen.has(shardId)) {
      this.refuse(message, 'it is not frozen (any more)');
      return;
    }
    this.frozen.delete(shardId);
    this.offers.delete(shardId);
    this.#node.running.delete(shardId);
    this.#node.retained.set(shardId, this.#node.session(shardId));
    this.releasedFor.set(shardId, migrationId);
    this.#node.send({ kind: 'transferReleased', migrationId, shardId });
  }

  #stage(message: MessageOf<'transferOpen'>): void {
    const { migrationId, shardId } = message;
    if (this.#node.running.has(shardId)) {
      this.refuse(message, 'it runs here');
      return;
    }
    this.staging.set(shardId, { migrationId, events: 0, manifest: null });
    this.#node.send({ kind: 'transferOpened', migrationId, shardId, session: null, creditBytes: 1 });
  }

  #take({ migrationId, shardId, index }: MessageOf<'transferData'>): void {
    const staging = this.staging.get(shardId);
    if (staging?.migrationId !== migrationId) return;
    if (index !== staging.events) throw new Error(`event ${index} came where ${staging.events} was due`);
    staging.events += 1;
    this.#node.send({ kind: 'transferCredit', migrationId, shardId, bytes: 1 });
  }

  #verify(message: MessageOf<'transferManifest'>): void {
    const { migrationId, shardId } = message;
    const staging = this.staging.get(shardId);
    if (staging?.migrationId !== migrationId) return;
    const ok = staging.events === message.events;
    if (ok) staging.manifest = message;
    else this.staging.delete(shardId);
    this.#node.send({ kind: 'transferVerified', migrationId, shardId, ok, reason: ok ? '' : 'it is not whole' });
  }

  #activate(message: MessageOf<'transferActivate'>): void {
    const { migrationId, shardId } = message;
    const staging = this.staging.get(shardId);
    if (staging?.migrationId !== migrationId || staging.manifest?.session == null) {
      this.refuse(message, 'it is not ready here');
      return;
    }
    this.staging.delete(shardId);
    this.#node.retained.delete(shardId);
    const activated = { kind: 'transferActivated', migrationId, shardId, resumed: true } as const;
    this.#node.resumeWhenThere(shardId, () => this.#node.send(activated));
  }

  #abort({ migrationId, shardId }: MessageOf<'transferAbort'>): void {
    if (this.#node.retained.has(shardId) && this.releasedFor.get(shardId) === migrationId) {
      this.#node.send({ kind: 'transferReleased', migrationId, shardId });
    }
    const isMeant = [this.offers.get(shardId), this.staging.get(shardId)].some(
      (one) => one?.migrationId === migrationId,
    );
    if (isMeant) this.drop(shardId);
    this.#node.resuming.delete(shardId);
  }
}
