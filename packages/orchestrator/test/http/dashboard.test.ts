import { existsSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { TOKEN, testServer } from './test-server.js';

const BUILT = new URL('../../dist/dashboard/index.html', import.meta.url);

describe('the dashboard', () => {
  beforeAll(() => {
    if (existsSync(BUILT)) return;
    execFileSync(process.execPath, [fileURLToPath(new URL('../../../../scripts/build-dashboard.js', import.meta.url))]);
  });

  test.each(['/', '/dashboard'])('%s leads there', async (url) => {
    const { server } = await testServer();
    const response = await server.app.inject({ url });
    expect([response.statusCode, response.headers['location']]).toEqual([302, '/dashboard/']);
  });

  test.each(['/dashboard/', '/dashboard/nodes/web-1', '/dashboard/shards/3?q=x'])(
    'the page is at %s without a token, and may load nothing from elsewhere',
    async (url) => {
      const { server } = await testServer({ token: TOKEN });
      const response = await server.app.inject({ url });
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toContain('text/html');
      expect(response.headers['cache-control']).toBe('no-cache');
      const policy = String(response.headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
    },
  );

  test('its files are kept by browsers for ever, and sent small to those that take them so', async () => {
    const { server } = await testServer({ token: TOKEN });
    const page = await server.app.inject({ url: '/dashboard/' });
    const [script] = /\/dashboard\/app\.\w+\.js/.exec(page.body) ?? [];
    const zipped = await server.app.inject({ url: script!, headers: { 'accept-encoding': 'gzip, br' } });
    const plain = await server.app.inject({ url: script! });
    expect(zipped.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': expect.stringContaining('text/javascript'),
      'cache-control': expect.stringContaining('immutable'),
    });
    expect(zipped.rawPayload.length).toBeLessThan(plain.rawPayload.length / 2);
  });

  test('a file of another build is not found, rather than answered with the page', async () => {
    const { server } = await testServer();
    const response = await server.app.inject({ url: '/dashboard/app.0123456789.js' });
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ code: 'DSO_NO_SUCH_PATH' });
  });

  test('pages that other names lead to are refused like everything else', async () => {
    const { server } = await testServer();
    const response = await server.app.inject({ url: '/dashboard/', headers: { host: 'evil.example' } });
    expect(response.statusCode).toBe(403);
  });
});
