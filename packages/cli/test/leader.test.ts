/** Of several addresses, the one that leads: real HTTP servers that answer as orchestrators do. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Target } from '../src/connection-options.js';
import { leaderAmong } from '../src/leader.js';

const STANDBY = { ready: false, missing: ['It is a standby.'], Leader: null };

async function answering(status: number, document: object): Promise<Target> {
  const server = createServer((_, response) => response.writeHead(status).end(JSON.stringify(document)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: null };
}

/** Nobody listens there any more. */
async function dead(): Promise<Target> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { url: `http://127.0.0.1:${port}`, token: null };
}

test('the one that is ready is taken, wherever it stands among dead ones and standbys', async () => {
  const [gone, standby, leader] = [await dead(), await answering(503, STANDBY), await answering(200, { ready: true })];
  expect(await leaderAmong([gone, standby, leader])).toBe(leader);
  expect(await leaderAmong([leader, standby, gone])).toBe(leader);
});

test('a leader that is not ready is taken before a standby: it says itself what it lacks', async () => {
  const standby = await answering(503, STANDBY);
  const leader = await answering(503, { ready: false, missing: ['The store cannot be written.'] });
  expect(await leaderAmong([standby, leader])).toBe(leader);
});

test('one address is believed, and nobody is asked', async () => {
  const gone = await dead();
  expect(await leaderAmong([gone])).toBe(gone);
});

test('where nobody leads, all addresses are named, and what to do', async () => {
  const [gone, other] = [await dead(), await dead()];
  await expect(leaderAmong([gone, other])).rejects.toThrow(
    `No orchestrator answers at ${gone.url}, ${other.url}. Start an orchestrator with`,
  );
  const standby = await answering(503, STANDBY);
  await expect(leaderAmong([gone, standby])).rejects.toThrow(/Only standbys answer at .*; nobody leads now\./);
  const knowing = await answering(503, { ...STANDBY, Leader: 'http://10.0.0.9:7448' });
  await expect(leaderAmong([standby, knowing])).rejects.toThrow(/is to be reached at http:\/\/10\.0\.0\.9:7448\./);
});
