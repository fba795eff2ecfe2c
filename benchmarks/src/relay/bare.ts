/**
 * The floor: the same values, encoded with the same codec, through one socket from one process to another, and decoded
 * there. Nobody stands between the two, nothing is checked, and nothing is waited for but the socket.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { decodeMessage, encodeMessage, FrameReader, MAX_BODY_BYTES } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import { orderVariable } from '../processes.js';
import { Arrivals, registry, valuesOf, type BareOrder, type Saying } from './messages.js';
import { answerUsage } from './usage.js';

const WRITE_BYTES = 64 * 1024;

const { role, port, load } = JSON.parse(process.env[orderVariable] ?? '{}') as BareOrder;
const clock = systemClock();
const codec = registry();
const say = (saying: Saying): void => void process.send?.(saying);
answerUsage();
if (role === 'reader') read();
else await write();

function read(): void {
  const arrivals = new Arrivals(load);
  const server = createServer((socket) => {
    const reader = new FrameReader(MAX_BODY_BYTES);
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        const message = decodeMessage(frame.eventId, frame.body);
        if (message.kind !== 'transferData') continue;
        const arrived = arrivals.take(codec.decode(message.eventId, message.body).value, clock.monotonicMs());
        if (arrived !== null) say(arrived);
      }
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1', () => say({ kind: 'ready', port: (server.address() as AddressInfo).port }));
}

async function write(): Promise<void> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  process.on('message', (order: { do: string }) => {
    if (order.do === 'send') void send();
  });
  say({ kind: 'ready', port });

  async function send(): Promise<void> {
    let index = 0;
    let frames: Uint8Array[] = [];
    let bytes = 0;
    for (const [event, value] of valuesOf(load)) {
      const { eventId, body } = codec.encode(event, value);
      const frame = encodeMessage({ kind: 'transferData', migrationId: 'm1', shardId: 0, index, eventId, body });
      index += 1;
      frames.push(frame);
      bytes += frame.length;
      if (bytes < WRITE_BYTES && index < load.events) continue;
      if (!socket.write(frames.length === 1 ? frame : Buffer.concat(frames, bytes))) await once(socket, 'drain');
      frames = [];
      bytes = 0;
    }
    say({ kind: 'done' });
  }
}
