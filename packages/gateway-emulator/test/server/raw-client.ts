/** A websocket that says what it is told and remembers what it heard. */
import { until } from '@dshard/testkit';
import { WebSocket } from 'ws';
import { decoderFor } from './decoders.js';

/** The fields of `d` that tests look at, as far as the payload has them. */
type PayloadData = {
  id: string;
  session_id: string;
  resume_gateway_url: string;
};

export type Payload = { op: number; d: PayloadData; s: number | null; t: string | null };

export class RawClient {
  readonly received: Payload[] = [];
  closedWith: number | null = null;
  binaryMessages = 0;
  readonly socket: WebSocket;

  /** `ca`: the authority to trust, for `wss`. */
  constructor(url: string, ca: string | null = null) {
    this.socket = new WebSocket(url, ca === null ? {} : { ca });
    const decoder = decoderFor(url, (text) => this.received.push(JSON.parse(text) as Payload));
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binaryMessages += 1;
      decoder.message(data, isBinary);
    });
    this.socket.on('error', () => undefined);
    // What came before the close may still be on its way through the decompressor: closed is who has heard it all.
    this.socket.on('close', (code) => {
      decoder.end(() => {
        this.closedWith = code;
      });
    });
  }

  send(payload: unknown): void {
    this.socket.send(JSON.stringify(payload));
  }

  async identify(
    token: string,
    shard: readonly [number, number] = [0, 1],
    intents = 513,
    more: Record<string, unknown> = {},
  ): Promise<Payload> {
    await this.until('HELLO', (payload) => payload.op === 10);
    this.send({ op: 2, d: { token, intents, properties: {}, shard, ...more } });
    return this.until('READY', (payload) => payload.t === 'READY');
  }

  until(what: string, matches: (payload: Payload) => boolean): Promise<Payload> {
    return until(() => this.received.find(matches), { what });
  }

  async untilClosed(): Promise<number> {
    await until(() => this.closedWith !== null, { what: 'the socket to close' });
    return this.closedWith ?? 0;
  }

  /** Leaves without a close frame. */
  async cut(): Promise<void> {
    this.socket.terminate();
    await this.untilClosed();
  }
}
