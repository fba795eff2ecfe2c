/**
 * The story: somebody pointed `dso` at a port where something else listens, and got stack traces, or nothing for ever.
 * What answered could also write to the terminal what it liked.
 */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { isPrintable } from '@dshard/protocol';
import { until, virtualClock } from '@dshard/testkit';
import { createClient } from '../src/client.js';
import { runDso } from './dso.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function stranger(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const says =
  (body: string, type = 'application/json'): RequestListener =>
  (_, response) =>
    void response.setHeader('content-type', type).end(body);

const COMMANDS = [
  ['status'],
  ['operations'],
  ['events'],
  ['startnode'],
  ['rollout'],
  ['call', 'stats'],
  ['deployedversion'],
];

describe('dso against a stranger’s server', () => {
  test.each([
    ['a web page', says('<html><body>It works!</body></html>', 'text/html')],
    ['null', says('null')],
    ['a number', says('42')],
    ['a list', says('[1,2,3]')],
    ['an empty object', says('{}')],
    ['an object of another program', says('{"nodes":7,"status":{"shards":[]},"Message":3}')],
    ['a list of nothing', says('[null]')],
    ['nothing', says('')],
    ['half a document', says('{"Message":"Do')],
    ['no HTTP at all but a hang-up', (_request, response): void => void response.socket?.destroy()],
    ['an error without words', (_request, response): void => void response.writeHead(500).end()],
  ] satisfies [string, RequestListener][])('that answers %s says one sentence, and no stack', async (_what, answer) => {
    const url = await stranger(answer);
    const results = await Promise.all(COMMANDS.map((args) => runDso([...args, '--address', url])));
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      const shown = `${COMMANDS[index]?.join(' ')}: ${stdout}${stderr}`;
      // A list is an empty answer to who asked for a list of nothing; nothing else may pass for an answer.
      expect(shown).not.toMatch(/\n {4}at |TypeError|undefined/);
      if (code !== 0) expect(stderr, shown).toMatch(/^dso: .*\n$/);
      expect(code, shown).toBe(3);
    }
  });

  test('whose body does not end is given up', async () => {
    const url = await stranger((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(1 << 20)));
      };
      response.on('drain', more);
      more();
    });
    const { code, stderr } = await runDso(['status', '--address', url]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^dso: .*does not end.*\n$/);
  });

  test('that says nothing is given up, whether it was asked a question or given a command', async () => {
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const clock = virtualClock();
    const client = createClient(
      { url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`, token: null },
      { clock },
    );
    let ended = 0;
    const ends = Promise.all(
      [client.ask('status'), client.ask('rollout')].map((answer) =>
        answer.catch((error: Error) => error.message).finally(() => (ended += 1)),
      ),
    );
    await until(
      () => {
        clock.advance(1_000);
        return ended === 2;
      },
      { what: 'both to be given up' },
    );
    for (const message of await ends) expect(message).toMatch(/no answer within 30 s/);
  });

  test('cannot write to the terminal what it likes, and --json means what was sent', async () => {
    const text = 'Done.\u001b[2J\u009b31m\u202eevil\u200b\nsecond line';
    const url = await stranger(says(JSON.stringify({ Message: text, Error: false })));
    const people = await runDso(['startnode', '--address', url]);
    expect(people.stdout).toBe('Done.evil second line\n');
    const programs = await runDso(['startnode', '--json', '--address', url]);
    expect(isPrintable(programs.stdout.trimEnd())).toBe(true);
    expect(JSON.parse(programs.stdout)).toEqual({ Message: text, Error: false });
  });
});
