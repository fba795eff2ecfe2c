/**
 * The node library, in real bots on three libraries, whose orchestrator turns hostile after the handshake. What an
 * orchestrator may ask for (stop this shard, say) is obeyed and is no input here: everything else must change nothing.
 */
import { fileURLToPath } from 'node:url';
import { delay, systemClock } from '@dshard/transport';
import type { Message } from '@dshard/protocol';
import { hostileFrame, type HostileFrame } from '../input/frames.js';
import { InjectingProxy } from '../behind/injecting-proxy.js';
import { childrenOf } from '../behind/process-figures.js';
import { TOKEN, Victim } from '../behind/victim.js';
import type { Door, Input } from './door.js';

const NODES = 6;
const SHARDS = 12;
/** The last epoch that any fleet of today has given out. */
const STALE_EPOCH = 1;
/** Between a frame that cannot be read and the cut of its connection. */
const READ_MS = 20;
const JOIN_TIMEOUT_MS = 20_000;
const BOT = fileURLToPath(new URL('../bot.js', import.meta.url));

type FrameInput = Input & { frame: HostileFrame };

export const nodeLibrary: Door = {
  name: 'node-library',
  share: 18,
  async open(options) {
    const proxies: InjectingProxy[] = [];
    const victim = await Victim.start({
      ...options,
      shards: SHARDS,
      nodes: NODES,
      token: TOKEN,
      settings: { 'launcher.command': [process.execPath, BOT], maxShardsPerNode: SHARDS / NODES },
      ways: async (address) => {
        for (let way = 0; way < NODES; way += 1) proxies.push(await InjectingProxy.to(address));
        return proxies.map((proxy) => proxy.address);
      },
    });
    const bots = childrenOf(victim.fleet.orchestratorPid ?? 0, BOT);
    if (bots.length !== NODES) throw new Error(`${bots.length} bots run, and not ${NODES}.`);
    await victim.begin(bots);
    const clock = systemClock();

    const someJoined = async (first: number): Promise<InjectingProxy> => {
      const order = [...proxies.slice(first), ...proxies.slice(0, first)];
      const joined = order.find((proxy) => proxy.isJoined);
      if (joined !== undefined) return joined;
      return Promise.race([
        ...order.map(async (proxy) => {
          await proxy.joined();
          return proxy;
        }),
        delay(clock, JOIN_TIMEOUT_MS).then(() => {
          throw new Error('no bot comes back');
        }),
      ]);
    };

    return {
      input(dice) {
        for (;;) {
          const frame = hostileFrame(dice, SHARDS);
          if (frame.message !== null && isObeyed(frame.message)) continue;
          const input = { what: frame.what, bytes: frame.bytes, mutated: frame.kind !== null };
          return { ...input, frame } as FrameInput;
        }
      },
      async throwIn(input, dice) {
        const { frame } = input as FrameInput;
        const proxy = await someJoined(dice.below(NODES));
        proxy.write(frame.bytes);
        if (frame.message !== null) return null;
        await delay(clock, READ_MS);
        proxy.cut();
        return null;
      },
      async check() {
        // Bots that were cut off are on their way back.
        await Promise.race([Promise.all(proxies.map((proxy) => proxy.joined())), delay(clock, JOIN_TIMEOUT_MS)]);
        return victim.check();
      },
      settled: () => victim.settled(),
      async close() {
        await victim.end();
        for (const proxy of proxies) proxy.close();
      },
    };
  },
};

/** What an orchestrator may ask a node for, of a shard that exists, and not of long ago. */
function isObeyed(message: Message): boolean {
  if (message.kind === 'shutdown') return true;
  // The node stays away for a minute.
  if (message.kind === 'rejected') return true;
  const parts: readonly object[] = message.kind === 'resumeShards' ? message.shards : [message];
  return parts.some((part) => {
    const { epoch, epochs } = part as { epoch?: number; epochs?: readonly number[] };
    const isStale = [epoch, ...(epochs ?? [])].some((each) => each !== undefined && each <= STALE_EPOCH);
    const isOld = isStale && !BEGUN.has(message.kind);
    return OBEYED.has(message.kind) && !isOld && shardsIn(part).some((shard) => shard < SHARDS);
  });
}

function shardsIn(part: object): readonly number[] {
  const { shardId, shardIds } = part as { shardId?: number; shardIds?: readonly number[] };
  return shardIds ?? (shardId === undefined ? [] : [shardId]);
}

/** A node that has never had the shard cannot tell that an epoch is an old one. */
const BEGUN: ReadonlySet<string> = new Set(['startShards', 'resumeShards', 'prepareMigration', 'transferOpen']);

/** The steps of a migration that was never opened are not among them. */
const OBEYED: ReadonlySet<string> = new Set([
  'startShards',
  'resumeShards',
  'stopShard',
  'prepareMigration',
  'startMigration',
  'migrationAborted',
  'migrationFinished',
  'shardTakenOver',
  'shardLeaving',
  'transferOpen',
  'transferActivate',
]);
