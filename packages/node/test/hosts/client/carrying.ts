/**
 * The conformance suite plays nodes that move sessions and nothing else; a host for a client needs the guilds as well,
 * which a node always brings along. So each shard's guilds are taken when it leaves, and brought where it comes.
 */
import type { ClientHost } from '../../../src/hosts/client/client-host.js';
import type { TransferContext } from '../../../src/index.js';

const LEAVES: ReadonlySet<PropertyKey> = new Set(['freeze', 'stopShard']);

type Frames = { name: string; value: unknown }[];

const carried = new Map<number, Frames>();

export function carrying(host: ClientHost): ClientHost {
  const isHere = (shardId: number): boolean => host.report().some((report) => report.shardId === shardId);
  return new Proxy(host, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (LEAVES.has(name)) {
        return async (shardId: number, ...args: unknown[]) => {
          const left = method(shardId, ...args);
          const frames = exportOf(target, shardId);
          const result = await left;
          carried.set(shardId, (await frames) ?? carried.get(shardId) ?? []);
          return result;
        };
      }
      if (name !== 'resumeShard') return method;
      return async (shardId: number, ...args: unknown[]) => {
        if (!isHere(shardId)) {
          for (const frame of carried.get(shardId) ?? [])
            await target.handleUserEvent(shardId, frame.name, frame.value);
        }
        return method(shardId, ...args);
      };
    },
  });
}

/** As far as it can be exported in this turn, while the shard is there. */
async function exportOf(host: ClientHost, shardId: number): Promise<Frames | null> {
  const frames: Frames = [];
  const transfer: TransferContext = {
    send: (event, value) => Promise.resolve(void frames.push({ name: String(event), value: structuredClone(value) })),
    handled: () => Promise.resolve(),
    signal: new AbortController().signal,
  };
  try {
    // A copy that was begun for a move that did not take place.
    host.stays(shardId);
    await host.exportDelta(shardId, transfer);
  } catch {
    return null;
  }
  return frames;
}
