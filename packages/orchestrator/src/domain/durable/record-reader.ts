/**
 * Reads records back. They come from outside, so each one is checked: one that does not make sense is left out, and said so; the nodes
 * make up for it when they come back.
 */
import { isNodeId } from '@dshard/protocol';
import { MAX_TOTAL_SHARDS } from '../state/settings.js';
import { Unreadable } from '../state/shape.js';
import type { EndedOperation, OperationState } from '../state/operations.js';
import { readOperation } from './operation-records.js';
import type { KnownSession } from '../state/commands.js';
import type { IdentifyBudget, NodeState, CrashRecord, Assignment } from '../state/state.js';
import type { JsonValue } from './records.js';

type Fields = { readonly [key: string]: JsonValue };

export type ShardRecord =
  | {
      node: string;
      epoch: number;
      before: Assignment['before'];
      known: KnownSession | null;
      checkpoint: KnownSession | null;
    }
  | { node: null; epoch: number; since: number; notBefore: number; known: KnownSession | null };

export type NodeRecord = {
  version: string;
  host: string | null;
  pid: number | null;
  intent: NodeState['intent']['kind'];
  final: boolean;
};

export class RecordReader {
  readonly #records = new Map<string, Map<string, JsonValue>>();
  readonly #warnings: string[] = [];

  constructor(records: readonly { kind: string; key: string; value: JsonValue }[]) {
    for (const { kind, key, value } of records) {
      const ofKind = this.#records.get(kind) ?? new Map<string, JsonValue>();
      this.#records.set(kind, ofKind.set(key, value));
    }
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  totalShards(): number | null {
    return this.#read('fleet', 'total', ({ totalShards }) => whole(totalShards, 1, MAX_TOTAL_SHARDS));
  }

  ids(): { nextId: number; nextEpoch: number } {
    const read = this.#read('fleet', 'ids', ({ nextId, nextEpoch }) => ({
      nextId: whole(nextId, 1),
      nextEpoch: nextEpoch === undefined ? 1 : whole(nextEpoch, 1),
    }));
    return read ?? { nextId: 1, nextEpoch: 1 };
  }

  identifies(): IdentifyBudget | null {
    return this.#read('fleet', 'identifies', ({ maxConcurrency, budget, ledger, allowed }) => {
      const concurrency = whole(maxConcurrency, 1, MAX_TOTAL_SHARDS);
      const keys: Record<number, IdentifyBudget['keys'][number]> = {};
      for (const key of this.#keys('identify')) {
        const entry = this.#read('identify', key, ({ holder, freeAt }) => ({
          holder: holder === null ? null : holderOf(fields(holder), Number(key), concurrency),
          freeAt: number(freeAt),
        }));
        if (entry !== null) keys[Number(key)] = entry;
      }
      return {
        maxConcurrency: concurrency,
        keys,
        waiting: [],
        budget: budgetOf(budget ?? null),
        ledger: ledgerOf(fields(ledger)),
        allowed: whole(allowed, 0),
        unsure: 0,
        shortSince: null,
      };
    });
  }

  shard(shard: number): ShardRecord | null {
    return this.#read(
      'shard',
      String(shard),
      ({ node, epoch, before, since, notBefore, known, checkpoint }): ShardRecord => {
        // Records of a time before there were epochs have none.
        const held = epoch === undefined ? 0 : whole(epoch, 0);
        const session = known === null ? null : sessionOf(fields(known));
        if (node !== null) {
          const cursor = checkpoint === null ? null : sessionOf(fields(checkpoint));
          return { node: nodeId(node), epoch: held, before: beforeOf(before), known: session, checkpoint: cursor };
        }
        return { node: null, epoch: held, since: number(since), notBefore: number(notBefore), known: session };
      },
    );
  }

  nodeIds(): readonly string[] {
    return this.#keys('node').filter(isNodeId);
  }

  node(id: string): NodeRecord | null {
    return this.#read('node', id, ({ version, host, pid, intent, final }): NodeRecord => {
      if (intent !== 'serving' && intent !== 'cordoned' && intent !== 'shuttingDown') throw new Unreadable();
      return {
        version: text(version),
        host: host === null ? null : text(host),
        pid: pid === null ? null : number(pid),
        intent,
        final: final === true,
      };
    });
  }

  /** Those under way and those that ended, in the order of their ids. */
  operations(): (OperationState | EndedOperation)[] {
    const read = this.#keys('operation').flatMap(
      (id) => this.#read('operation', id, (record) => readOperation(id, record)) ?? [],
    );
    const numberOf = ({ id }: { id: string }): number => Number(id.replace(/^\D+/, ''));
    return read.sort((a, b) => numberOf(a) - numberOf(b));
  }

  /** Of shards below the total. */
  jobs(): ReadonlyMap<string, number> {
    const marks = this.#keys('job').map(
      (name) => [name, this.#read('job', name, ({ dueAt }) => whole(dueAt, 1))] as const,
    );
    return new Map(marks.filter((mark): mark is [string, number] => mark[1] !== null));
  }

  crashRecords(totalShards: number): ReadonlyMap<number, CrashRecord> {
    const crashRecords = new Map<number, CrashRecord>();
    for (const key of this.#keys('crash')) {
      const crash = this.#read('crash', key, ({ crashes, quarantinedAt }): CrashRecord => {
        whole(Number(key), 0, totalShards - 1);
        return {
          crashes: list(crashes).map((each) => {
            const { node, at } = fields(each);
            return { node: nodeId(node), at: number(at) };
          }),
          lostOn: null,
          quarantinedAt: quarantinedAt === null ? null : number(quarantinedAt),
        };
      });
      if (crash !== null) crashRecords.set(Number(key), crash);
    }
    return crashRecords;
  }

  #keys(kind: string): string[] {
    return [...(this.#records.get(kind)?.keys() ?? [])];
  }

  #read<T>(kind: string, key: string, read: (record: Fields) => T): T | null {
    const value = this.#records.get(kind)?.get(key);
    if (value === undefined || value === null) return null;
    return this.#reading(`${kind}/${key}`, value, () => read(fields(value)));
  }

  #reading<T>(name: string, value: JsonValue, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#warnings.push(`The store's record ${name} makes no sense and is left out: ${JSON.stringify(value)}.`);
      return null;
    }
  }
}

function holderOf({ node, shard }: Fields, key: number, concurrency: number): { node: string; shard: number } {
  const holder = { node: nodeId(node), shard: number(shard) };
  if (holder.shard % concurrency !== key) throw new Unreadable();
  return holder;
}

function beforeOf(before: JsonValue | undefined): Assignment['before'] {
  if (before === undefined || before === null) return null;
  const { node, epoch, mayRun } = fields(before);
  return { node: nodeId(node), epoch: whole(epoch, 0), mayRun: mayRun !== false };
}

function budgetOf(budget: JsonValue): IdentifyBudget['budget'] {
  if (budget === null) return null;
  const { total, remaining, resetAt } = fields(budget);
  return { total: whole(total, 1), remaining: whole(remaining, 0), resetAt: number(resetAt) };
}

function ledgerOf({ used, until }: Fields): IdentifyBudget['ledger'] {
  return { used: whole(used, 0), until: number(until) };
}

function sessionOf({ sessionId, sequence, resumeGatewayUrl, at }: Fields): KnownSession {
  const known = typeof sequence === 'string' && /^\d{1,20}$/.test(sequence) ? BigInt(sequence) : number(sequence);
  const session = { sessionId: text(sessionId), sequence: known, resumeGatewayUrl: text(resumeGatewayUrl) };
  return { session, at: number(at) };
}

function fields(value: JsonValue | undefined): Fields {
  if (typeof value !== 'object' || value === null || isList(value)) throw new Unreadable();
  return value;
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined || !isList(value)) throw new Unreadable();
  return value;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Unreadable();
  return value;
}

function nodeId(value: JsonValue | undefined): string {
  const id = text(value);
  if (!isNodeId(id)) throw new Unreadable();
  return id;
}

function number(value: JsonValue | undefined): number {
  if (typeof value !== 'number') throw new Unreadable();
  return value;
}

function whole(value: JsonValue | undefined, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  const found = number(value);
  if (!Number.isSafeInteger(found) || found < min || found > max) throw new Unreadable();
  return found;
}
