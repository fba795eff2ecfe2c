/** A shard host without Discord: shards ask for their permit to IDENTIFY, and are up when they have it. */
import { randomUUID } from 'node:crypto';
import type { Cursor, HostContext, ShardHost } from '@dshard/node';

type LightShard = { session: Cursor | null; signal: AbortController };

export function lightHost(): ShardHost {
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
    async resumeShard(shardId, session, context) {
      shards.set(shardId, { session, signal: new AbortController() });
      context.reportSoon?.();
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
  };
}
