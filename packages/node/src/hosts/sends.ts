/**
 * What the bot sends to Discord's gateway: presence, requests for members, voice states. Most libraries send and
 * forget, so nothing here ever rejects: what a shard cannot take yet waits until it can, and what it will not take any
 * more is dropped with a line in the debug log.
 *
 * A shard that is shown and still serves elsewhere has no connection here, nor has one whose guilds are told of before
 * its session is taken up: what is sent to it waits here until it is hosted.
 */
import type { Logger } from '@dshard/transport';
import type { GatewayOpcodes, GatewaySendPayload } from 'discord-api-types/v10';
import { messageOf } from '@dshard/protocol';

const PRESENCE_OPCODE: GatewayOpcodes.PresenceUpdate = 3;

/** A bot that sends on and on to a shard that does not come must not fill the memory. */
const MOST_WAITING = 1_000;

export type SendsOptions = {
  logger: Logger;
  /** To a shard that runs here; undefined: none does. */
  hosted: (shardId: number) => { send(payload: GatewaySendPayload): Promise<void> } | undefined;
  /** Shown, or here and about to be taken up. */
  isComing: (shardId: number) => boolean;
  /** It will be sent, or was. */
  accepted: (shardId: number, payload: GatewaySendPayload) => void;
  dropped: (payload: GatewaySendPayload) => void;
  /** Whether the shard is hosted, and what comes is not handed over yet. Default: never. */
  isHeldBack?: (shardId: number) => boolean;
  /** User code may wait for the answer, which comes when events of the shard are handed over and not before. */
  waits: () => void;
};

export class Sends {
  readonly #options: SendsOptions;
  readonly #waiting = new Map<number, GatewaySendPayload[]>();

  constructor(options: SendsOptions) {
    this.#options = options;
  }

  /** Returns whether it will be sent, as far as can be said now. */
  send(shardId: number, payload: GatewaySendPayload): boolean {
    const { hosted, isComing, isHeldBack, accepted, waits } = this.#options;
    const shard = hosted(shardId);
    if (shard !== undefined) {
      accepted(shardId, payload);
      this.#sendTo(shardId, shard, payload);
      if (payload.op !== PRESENCE_OPCODE && isHeldBack?.(shardId) === true) waits();
      return true;
    }
    if (!isComing(shardId)) {
      this.#drop(shardId, payload, 'it does not run in this process');
      return false;
    }
    const waiting = this.#waiting.get(shardId) ?? [];
    if (waiting.length >= MOST_WAITING) {
      this.#drop(shardId, payload, 'too much waits for it already');
      return false;
    }
    this.#waiting.set(shardId, [...waiting, payload]);
    accepted(shardId, payload);
    // Nobody can wait for what a presence leads to.
    if (payload.op !== PRESENCE_OPCODE) waits();
    return true;
  }

  /** The shard runs here: what waited for it is sent. */
  arrived(shardId: number): void {
    for (const payload of this.#taken(shardId)) {
      const shard = this.#options.hosted(shardId);
      if (shard === undefined) this.#drop(shardId, payload, 'it left');
      else this.#sendTo(shardId, shard, payload);
    }
  }

  /** The shard does not come. */
  left(shardId: number): void {
    for (const payload of this.#taken(shardId)) this.#drop(shardId, payload, 'it does not come here after all');
  }

  #taken(shardId: number): readonly GatewaySendPayload[] {
    const waiting = this.#waiting.get(shardId) ?? [];
    this.#waiting.delete(shardId);
    return waiting;
  }

  #sendTo(
    shardId: number,
    shard: { send(payload: GatewaySendPayload): Promise<void> },
    payload: GatewaySendPayload,
  ): void {
    shard.send(payload).catch((error: unknown) => this.#drop(shardId, payload, messageOf(error)));
  }

  #drop(shardId: number, payload: GatewaySendPayload, why: string): void {
    const { logger, dropped } = this.#options;
    logger.debug({ shard: shardId, op: payload.op }, `What was sent to shard ${shardId} is dropped: ${why}.`);
    dropped(payload);
  }
}
