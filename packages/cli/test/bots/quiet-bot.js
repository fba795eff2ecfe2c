/**
 * A bot that talks to no Discord: its shards are connected as soon as they are asked for, and their sessions are made
 * up. With BOT_LOG it writes what its node says as lines of JSON.
 */
import { createNode } from '@dshard/node';

const running = new Set();
const cursorOf = (shardId) => ({ sessionId: `session-${shardId}`, sequence: 1, resumeGatewayUrl: '' });

const lineOf = (level) => (fields, text) => process.stdout.write(`${JSON.stringify({ level, text, ...fields })}\n`);
const logger = { debug: lineOf('debug'), info: lineOf('info'), warn: lineOf('warn'), error: lineOf('error') };

const node = createNode({
  ...(process.env.BOT_LOG && { logger }),
  version: process.env.BOT_VERSION ?? 'v1',
  host: {
    async startShards(shardIds) {
      for (const shardId of shardIds) running.add(shardId);
    },
    async resumeShard(shardId) {
      running.add(shardId);
    },
    async stopShard(shardId) {
      running.delete(shardId);
      return cursorOf(shardId);
    },
    async freeze(shardId) {
      running.delete(shardId);
      return cursorOf(shardId);
    },
    report() {
      return [...running].map((shardId) => ({ shardId, phase: 'ready', pingMs: 1, guilds: 0, events: 0 }));
    },
  },
});
await node.start();
process.stdout.write('the quiet bot is up\n');
