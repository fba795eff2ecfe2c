/**
 * The floor of every gap: one process that has the sessions, and for each move a second socket that already waits at
 * HELLO. The first is closed so that its session stays, and the second resumes. Nobody is asked, nothing is written
 * down, and nothing goes along.
 */
import { once } from 'node:events';
import { WebSocket, type RawData } from 'ws';
import { orderVariable } from '../processes.js';
import type { BareOrder, BareSaying } from './bare-messages.js';

/** GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT. */
const INTENTS = 1 | (1 << 9) | (1 << 15);
/** With it the session stays resumable. */
const CLOSE_CODE = 4_900;

type Payload = { op: number; t: string | null; s: number | null; d: { session_id?: string } | null };

const { url, token, shards } = JSON.parse(process.env[orderVariable] ?? '{}') as BareOrder;
const say = (saying: BareSaying): void => void process.send?.(saying);

class Session {
  readonly #shard: number;
  #socket: WebSocket | null = null;
  #sessionId = '';
  #sequence = 0;

  constructor(shard: number) {
    this.#shard = shard;
  }

  async identify(): Promise<void> {
    const d = { token, intents: INTENTS, properties: {}, shard: [this.#shard, shards] };
    await this.#use(await waitingAtHello(), { op: 2, d });
  }

  async move(): Promise<void> {
    const next = await waitingAtHello();
    const last = this.#socket;
    last?.close(CLOSE_CODE);
    if (last !== null) await once(last, 'close');
    await this.#use(next, { op: 6, d: { token, session_id: this.#sessionId, seq: this.#sequence } });
  }

  /** Resolves at READY or RESUMED. */
  async #use(socket: WebSocket, first: object): Promise<void> {
    this.#socket = socket;
    const established = new Promise<void>((resolve) => {
      socket.on('message', (data: RawData) => {
        const { t, s, d } = JSON.parse((data as Buffer).toString('utf8')) as Payload;
        if (s !== null) this.#sequence = s;
        if (t === 'READY') this.#sessionId = d?.session_id ?? '';
        if (t === 'READY' || t === 'RESUMED') resolve();
      });
    });
    socket.send(JSON.stringify(first));
    await established;
  }
}

async function waitingAtHello(): Promise<WebSocket> {
  const socket = new WebSocket(`${url}/?v=10&encoding=json`, { perMessageDeflate: false });
  await once(socket, 'message');
  return socket;
}

const sessions = Array.from({ length: shards }, (_, shard) => new Session(shard));
await Promise.all(sessions.map((session) => session.identify()));
process.on('message', () => void moveAll());
say({ kind: 'ready' });

async function moveAll(): Promise<void> {
  for (const session of sessions) await session.move();
  say({ kind: 'moved' });
}
