/**
 * How each library is pointed at an emulator: lines of JavaScript that run as they stand, in a folder where the library
 * is installed. The program prints them; a test runs what it prints. With TLS they trust its certificate by
 * NODE_EXTRA_CA_CERTS in their environment.
 */

export type EmulatorAddress = { apiUrl: string; httpUrl: string; token: string };

export type LibraryLines = { library: string; lines: readonly string[] };

/** GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT. */
const intents = 1 | (1 << 9) | (1 << 15);

export function libraryLines({ apiUrl, httpUrl, token }: EmulatorAddress): LibraryLines[] {
  const { hostname, port, protocol } = new URL(httpUrl);
  const isTls = protocol === 'https:';
  const to = `{ host: '${hostname}', port: ${port === '' ? 443 : port} }`;
  const agent = isTls ? `new https.Agent(${to})` : `Object.assign(new http.Agent(${to}), { protocol: 'https:' })`;
  const agentModule = isTls ? [`import https from 'node:https';`] : [`import http from 'node:http';`];
  return [
    {
      library: 'discord.js',
      lines: [
        `import { Client } from 'discord.js';`,
        `const client = new Client({ intents: ${intents}, shards: 'auto', rest: { api: '${apiUrl}' } });`,
        `await client.login('${token}');`,
      ],
    },
    {
      library: '@discordjs/ws',
      lines: [
        `import { REST } from '@discordjs/rest';`,
        `import { WebSocketManager } from '@discordjs/ws';`,
        `const rest = new REST({ api: '${apiUrl}' }).setToken('${token}');`,
        `const manager = new WebSocketManager({ token: '${token}', intents: ${intents}, rest });`,
        `await manager.connect();`,
      ],
    },
    {
      library: 'eris',
      lines: [
        ...agentModule,
        `import { Client } from 'eris';`,
        `const agent = ${agent};`,
        `const client = new Client('Bot ${token}', { intents: ${intents}, maxShards: 'auto', shardConcurrency: 'auto', rest: { agent } });`,
        `await client.connect();`,
      ],
    },
    {
      library: 'oceanic.js',
      lines: [
        `import { Client } from 'oceanic.js';`,
        `const gateway = { intents: ${intents}, maxShards: 'auto', concurrency: 'auto' };`,
        `const client = new Client({ auth: 'Bot ${token}', rest: { baseURL: '${apiUrl}/v10' }, gateway });`,
        `await client.connect();`,
      ],
    },
    {
      library: '@discordeno/gateway',
      lines: [
        `import { createGatewayManager } from '@discordeno/gateway';`,
        `const headers = { authorization: 'Bot ${token}' };`,
        `const { url, shards, session_start_limit: limit } = await (await fetch('${apiUrl}/v10/gateway/bot', { headers })).json();`,
        `const sessionStartLimit = { ...limit, maxConcurrency: limit.max_concurrency, resetAfter: limit.reset_after };`,
        `const manager = createGatewayManager({ token: '${token}', intents: ${intents}, connection: { url, shards, sessionStartLimit } });`,
        `await manager.spawnShards();`,
      ],
    },
    {
      library: 'seyfert',
      lines: [
        `// needs: dso-gateway --hello-delay 100`,
        ...(isTls ? [] : [`import http from 'node:http';`]),
        `import https from 'node:https';`,
        `import { ApiHandler, ShardManager } from 'seyfert';`,
        `https.globalAgent = ${agent};`,
        `const rest = new ApiHandler({ token: '${token}', domain: '${httpUrl}', baseUrl: 'api/v10' });`,
        `const info = await rest.proxy.gateway.bot.get();`,
        `const manager = new ShardManager({ token: '${token}', intents: ${intents}, info, handlePayload: (shard, packet) => {} });`,
        `await manager.spawnShards();`,
      ],
    },
  ];
}
