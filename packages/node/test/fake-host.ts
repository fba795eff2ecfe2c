/** A shard host that records what it is asked and does what the test says. */
import type { Cursor, HostContext, ShardHost, TransferContext } from '../src/index.js';

export const SESSION: Cursor = { sessionId: 's', sequence: 7, resumeGatewayUrl: 'wss://resume.example' };

export class FakeHost implements ShardHost {
  readonly calls: string[] = [];
  readonly userEvents: unknown[] = [];
  context: HostContext | null = null;
  /** Replaces a method for a test. */
  readonly behaviour: Partial<Record<keyof ShardHost, (...args: never[]) => unknown>> = {};

  async #do<T>(method: keyof ShardHost, args: unknown[], fallback: T, note = args[0]): Promise<T> {
    this.calls.push(note === undefined ? method : `${method} ${JSON.stringify(note)}`);
    const own = this.behaviour[method] as ((...args: unknown[]) => unknown) | undefined;
    return own === undefined ? fallback : ((await own(...args)) as T);
  }

  async sessionEstablished(context: HostContext): Promise<void> {
    this.context = context;
    await this.#do('sessionEstablished', [context], undefined, context.totalShards);
  }
  startShards(shardIds: readonly number[]): Promise<void> {
    return this.#do('startShards', [shardIds], undefined);
  }
  resumeShard(shardId: number, session: Cursor): Promise<void> {
    return this.#do('resumeShard', [shardId, session], undefined);
  }
  stopShard(shardId: number, options: { keepSession: boolean }): Promise<Cursor | null> {
    return this.#do('stopShard', [shardId, options], options.keepSession ? SESSION : null);
  }
  prepareTransferTo(shardId: number, session: Cursor | null): Promise<void> {
    return this.#do('prepareTransferTo', [shardId, session], undefined);
  }
  freeze(shardId: number): Promise<Cursor> {
    return this.#do('freeze', [shardId], SESSION);
  }
  unfreeze(shardId: number): Promise<void> {
    return this.#do('unfreeze', [shardId], undefined);
  }
  release(shardId: number): Promise<void> {
    return this.#do('release', [shardId], undefined);
  }
  cursorOf(): Cursor {
    return SESSION;
  }
  exportDelta(shardId: number, transfer: TransferContext): Promise<void> {
    return this.#do('exportDelta', [shardId, transfer], undefined);
  }
  async handleUserEvent(shardId: number, name: string, value: unknown): Promise<void> {
    const own = this.behaviour.handleUserEvent as ((...args: unknown[]) => unknown) | undefined;
    await own?.(shardId, name, value);
    this.userEvents.push(value);
  }
  abortTransferTo(shardId: number): Promise<void> {
    return this.#do('abortTransferTo', [shardId], undefined);
  }
  released(shardId: number): Promise<void> {
    return this.#do('released', [shardId], undefined);
  }
  shutdown(): Promise<void> {
    return this.#do('shutdown', [], undefined);
  }
}
