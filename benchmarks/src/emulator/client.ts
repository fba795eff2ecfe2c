/**
 * A client that costs as little as one can: it identifies its shards, answers nothing but heartbeats, and reads of each
 * event the sequence only. So what limits the figures is the emulator.
 */
import { systemClock } from '@dshard/transport';
import type { RawData } from 'ws';
import { WebSocket } from 'ws';
import type { ClientOrder, ClientSaying } from './messages.js';
import { orderVariable } from '../processes.js';

const order = JSON.parse(process.env[orderVariable] ?? '{}') as ClientOrder;
const clock = systemClock();
const say = (saying: ClientSaying): void => void process.send?.(saying);

/** GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT. */
const intents = 1 | (1 << 9) | (1 << 15);
const sampleEvery = 101;
/** Begun at a time: a thousand upgrades at once overrun the backlog of the listening socket. */
const connectingAtATime = 50;

let events = 0;
let bytes = 0;
let gaps = 0;
let latenciesMs: number[] = [];
let ready = 0;
let last = { at: clock.monotonicMs(), cpu: process.cpuUsage() };

const head = /^\{"t":"MESSAGE_CREATE","s":(\d+)/;
const timestamp = /"timestamp":"([^"]+)"/;

function connect(shard: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${order.url}/?v=10&encoding=json`, { perMessageDeflate: false });
    let sequence = 0;
    socket.once('error', reject);
    socket.on('message', (data: RawData) => {
      const text = (data as Buffer).toString('latin1');
      bytes += text.length;
      const found = head.exec(text);
      if (found !== null) {
        events += 1;
        const s = Number(found[1]);
        if (sequence !== 0 && s !== sequence + 1) gaps += 1;
        sequence = s;
        if (events % sampleEvery === 0) latenciesMs.push(clock.now() - Date.parse(timestamp.exec(text)?.[1] ?? ''));
        return;
      }
      const payload = JSON.parse(text) as {
        op: number;
        t: string | null;
        s: number | null;
        d: { heartbeat_interval: number };
      };
      if (payload.s !== null) sequence = payload.s;
      if (payload.op === 10) {
        const d = { token: order.token, intents, properties: {}, shard: [shard, order.shards] };
        socket.send(JSON.stringify({ op: 2, d }));
        clock.every(payload.d.heartbeat_interval, () => socket.send(`{"op":1,"d":${sequence}}`));
      }
      if (payload.t === 'READY') {
        ready += 1;
        resolve();
      }
    });
  });
}

process.on('message', () => {
  const [at, cpu] = [clock.monotonicMs(), process.cpuUsage()];
  const cpuMs = (cpu.user - last.cpu.user + cpu.system - last.cpu.system) / 1000;
  say({ kind: 'reading', reading: { events, bytes, ms: at - last.at, cpuMs, latenciesMs, gaps } });
  [events, bytes, gaps, latenciesMs, last] = [0, 0, 0, [], { at, cpu }];
});

for (let shard = order.from; shard < order.to; shard += connectingAtATime) {
  const upTo = Math.min(order.to, shard + connectingAtATime);
  await Promise.all(Array.from({ length: upTo - shard }, (_, index) => connect(shard + index)));
}
say({ kind: 'ready', shards: ready });
