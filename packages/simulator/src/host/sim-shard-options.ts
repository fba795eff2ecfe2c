/** What a simulated shard needs, and what it tells. */
import type { Cursor, HostContext } from '@dshard/node';
import type { Clock, Transport } from '@dshard/transport';
import type { Draw } from '../random.js';
import type { HostBehaviour } from './behaviour.js';

export type MessageEvent = { id: string; channel_id: string; number: number };

export type SimShardOptions = {
  shardId: number;
  session: Cursor | null;
  /** Whether what is replayed of it is to be marked. */
  redelivers: boolean;
  context: HostContext;
  clock: Clock;
  random: Draw;
  gateway: Transport;
  behaviour: HostBehaviour;
  /** What user code takes for an event at most. */
  handlingMs: number;
  /** For orchestrators that do not pace identifies. */
  paceLocally: (signal: AbortSignal) => Promise<void>;
  onMessage: (event: MessageEvent, cursor: Cursor, redelivered: boolean) => void;
  onUp: (cursor: Cursor, how: 'ready' | 'resumed') => void;
  onIdentify: (permit: 'granted' | 'uncoordinated' | 'none') => void;
};
