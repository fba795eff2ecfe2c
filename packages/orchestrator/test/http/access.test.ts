import { describe, expect, test } from 'vitest';
import { TOKEN, testServer } from './test-server.js';

describe('the Host header', () => {
  const hosts: [host: string, status: number][] = [
    ['127.0.0.1:7448', 200],
    ['localhost:7448', 200],
    ['LOCALHOST', 200],
    ['[::1]:7448', 200],
    ['127.8.9.10', 200],
    ['dso.internal:7448', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:7448', 403],
    ['dso.internal.evil.example', 403],
    ['127.0.0.1@evil.example', 403],
    ['[::1', 403],
  ];
  test.each(hosts)('a request for the host %s is answered with %i', async (host, status) => {
    const { server } = await testServer({ hosts: ['dso.internal'] });
    const response = await server.app.inject({ url: '/status', headers: { host } });
    expect(response.statusCode).toBe(status);
  });

  test('a refused host is named, with the key that lets it in', async () => {
    const { server } = await testServer();
    const response = await server.app.inject({ url: '/status', headers: { host: 'web.example' } });
    expect(response.json()).toMatchObject({
      Message: expect.stringMatching(/"web\.example".*http\.hosts/),
      Error: true,
    });
  });

  test('the address the connection came in on is fine, whatever was listened on', async () => {
    const { server } = await testServer({ listen: '0.0.0.0:0', token: TOKEN });
    const address = await server.start();
    try {
      const response = await fetch(`http://127.0.0.1:${address.split(':')[1]}/status`, {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      expect(response.status).toBe(200);
    } finally {
      await server.close();
    }
  });
});

describe('the Origin header', () => {
  const origins: [origin: string, status: number][] = [
    ['http://127.0.0.1:7448', 200],
    ['https://127.0.0.1:7448', 200],
    ['http://127.0.0.1:3000', 403],
    ['http://localhost:7448', 403],
    ['https://evil.example', 403],
    ['null', 403],
    ['', 403],
    ['file://', 403],
  ];
  test.each(origins)('a form posted by a page of "%s" is answered with %i', async (origin, status) => {
    const { server, orchestrator } = await testServer();
    const response = await server.app.inject({
      method: 'POST',
      url: '/stopshard',
      payload: 'shard=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded', host: '127.0.0.1:7448', origin },
    });
    expect(response.statusCode).toBe(status);
    expect(orchestrator.commands).toHaveLength(status === 200 ? 1 : 0);
  });
});

describe('the token', () => {
  const attempts: [authorization: string | undefined, tokenlessLoopback: boolean, remote: string, status: number][] = [
    [`Bearer ${TOKEN}`, false, '127.0.0.1', 200],
    [`bearer ${TOKEN}`, false, '10.0.0.9', 200],
    [undefined, false, '127.0.0.1', 401],
    ['Bearer wrong', false, '127.0.0.1', 401],
    [`Bearer ${TOKEN}x`, false, '127.0.0.1', 401],
    [`Basic ${TOKEN}`, false, '127.0.0.1', 401],
    ['Bearer', false, '127.0.0.1', 401],
    ['', false, '127.0.0.1', 401],
    // The ancestor's command line knows no token: it is let in from this machine where that is wanted.
    [undefined, true, '127.0.0.1', 200],
    [undefined, true, '::1', 200],
    [undefined, true, '10.0.0.9', 401],
    // A wrong token is wrong, wherever it comes from.
    ['Bearer wrong', true, '127.0.0.1', 401],
  ];
  test.each(attempts)(
    'a request that says "%s" (tokenlessLoopback %s, from %s) is answered with %i',
    async (authorization, open, remote, status) => {
      const { server } = await testServer({ token: TOKEN, tokenlessLoopback: open });
      const response = await server.app.inject({
        url: '/v1/status',
        headers: authorization === undefined ? {} : { authorization },
        remoteAddress: remote,
      });
      expect(response.statusCode).toBe(status);
      expect(response.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
      expect(response.body).not.toContain(TOKEN);
    },
  );

  test('is asked for on every path but the probe', async () => {
    const { server } = await testServer({ token: TOKEN });
    for (const url of ['/status', '/v1/status', '/v1/events', '/deployedversion', '/nothing', '/healthz/x']) {
      expect((await server.app.inject(url)).statusCode, url).toBe(401);
    }
    const probe = await server.app.inject({ url: '/healthz', headers: { host: '10.1.2.3:7448' } });
    expect([probe.statusCode, probe.json()]).toEqual([200, { ok: true }]);
  });

  test('a refused request is never carried out', async () => {
    const { server, orchestrator } = await testServer({ token: TOKEN });
    const response = await server.app.inject({ method: 'POST', url: '/fullmigration' });
    expect(response.statusCode).toBe(401);
    expect(orchestrator.commands).toEqual([]);
  });

  test('is required beyond loopback: without one the server refuses to listen and says how to allow it', async () => {
    for (const listen of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.org:0']) {
      const { server } = await testServer({ listen });
      await expect(server.start()).rejects.toMatchObject({
        code: 'DSO_CLOSED_BY_DEFAULT',
        message: expect.stringMatching(/DSO_TOKEN/),
      });
      await server.close();
    }
  });
});
