/** A shard host without Discord: shards ask for their permit to IDENTIFY, and are up when they have it. */
import { randomUUID } from 'node:crypto';
import { UserEventRegistry, type Cursor, type HostContext, type ShardHost } from '@dshard/node';

type LightShard = { session: Cursor | null; signal: AbortController };

const CHUNK_KB = 32;

export const stateEvents: UserEventRegistry<{ ballast: Uint8Array }> = new UserEventRegistry<{
  ballast: Uint8Array;
}>().register(101, 'ballast', 'raw');

/** @param stateKb what each shard takes along when it moves; with nothing the host has no live migration */
export function lightHost(stateKb = 0): ShardHost {
  const shards = new Map<number, LightShard>();

  async function identify(shardId: number, shard: LightShard, context: HostContext): Promise<void> {
    const permit = await context.requestIdentify(shardId, shard.signal.signal);
    shard.session = { sessionId: randomUUID(), sequence: 1, resumeGatewayUrl: 'wss://gateway.invalid' };
    permit.finished(true);
    context.reportSoon?.();
  }

  return {
    async startShards(shardIds, context) {
      for (const shardId of shardIds) {
        const shard: LightShard = { session: null, signal: new AbortController() };
        shards.set(shardId, shard);
        identify(shardId, shard, context).catch(() => undefined);
      }
    },
    async resumeShard(shardId, session) {
      shards.set(shardId, { session, signal: new AbortController() });
      return 'resumed';
    },
    async stopShard(shardId, { keepSession }) {
      const shard = shards.get(shardId);
      shards.delete(shardId);
      shard?.signal.abort(new Error('The shard is stopped.'));
      return keepSession ? (shard?.session ?? null) : null;
    },
    async freeze(shardId) {
      const session = shards.get(shardId)?.session;
      if (session === null || session === undefined) throw new Error(`Shard ${shardId} has no session yet.`);
      return session;
    },
    cursorOf: (shardId) => shards.get(shardId)?.session ?? null,
    report: () =>
      [...shards].map(([shardId, { session }]) => ({
        shardId,
        phase: session === null ? ('connecting' as const) : ('ready' as const),
        pingMs: 1,
        guilds: 1,
        events: 0,
        session,
      })),
    ...(stateKb > 0 && liveHooks(stateKb)),
  };
}

function liveHooks(stateKb: number): Partial<ShardHost> {
  const chunk = new Uint8Array(CHUNK_KB * 1_024);
  return {
    async exportState(_shardId, { send }) {
      for (let sent = 0; sent < stateKb; sent += CHUNK_KB) await send('ballast', chunk);
    },
    async exportDelta() {},
    async abortTransferTo() {},
    async unfreeze() {},
    async release() {},
    handleUserEvent: () => undefined,
  };
}
