/** A websocket that says what it is told and remembers what it heard. */
import { constants, createInflate } from 'node:zlib';
import { until } from '@dshard/testkit';
import { WebSocket } from 'ws';

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
  readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    const compressed = url.includes('compress=zlib-stream');
    const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
    let text = '';
    // Flows from the start, so that it also ends when nothing came.
    inflate.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (!isJson(text)) return;
      this.received.push(JSON.parse(text) as Payload);
      text = '';
    });
    this.socket.on('message', (data: Buffer) => {
      if (!compressed) this.received.push(JSON.parse(data.toString('utf8')) as Payload);
      else if (data.subarray(-4).equals(Buffer.from([0, 0, 0xff, 0xff]))) inflate.write(data);
      else throw new Error('A compressed message without its sync flush.');
    });
    this.socket.on('error', () => undefined);
    // What came before the close may still be on its way through the decompressor: closed is who has heard it all.
    this.socket.on('close', (code) => {
      inflate.once('end', () => {
        this.closedWith = code;
      });
      inflate.end();
    });
  }

  send(payload: unknown): void {
    this.socket.send(JSON.stringify(payload));
  }

  async identify(token: string, shard: readonly [number, number] = [0, 1], intents = 513): Promise<Payload> {
    await this.until('HELLO', (payload) => payload.op === 10);
    this.send({ op: 2, d: { token, intents, properties: {}, shard } });
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
