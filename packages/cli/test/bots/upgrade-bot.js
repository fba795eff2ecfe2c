/** As quiet-bot.js; and it says what it is asked to do with its shards: `start 3`, `stop 3`, `resume 3`. */
import { createNode } from '@dshard/node';

const running = new Set();
const cursorOf = (shardId) => ({ sessionId: `session-${shardId}`, sequence: 1, resumeGatewayUrl: '' });
const say = (what, shardId) => process.stdout.write(`${what} ${shardId}\n`);
const end = (shardId) => {
  say('stop', shardId);
  running.delete(shardId);
  return cursorOf(shardId);
};

const node = createNode({
  version: 'v1',
  host: {
    async startShards(shardIds) {
      for (const shardId of shardIds) {
        say('start', shardId);
        running.add(shardId);
      }
    },
    async resumeShard(shardId) {
      say('resume', shardId);
      running.add(shardId);
    },
    stopShard: async (shardId) => end(shardId),
    freeze: async (shardId) => end(shardId),
    report() {
      return [...running].map((shardId) => ({ shardId, phase: 'ready', pingMs: 1, guilds: 0, events: 0 }));
    },
  },
});
await node.start();
