/**
 * An emulator with TLS: who trusts its authority gets what there is without, faults included; who does not gets
 * nothing.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../../src/emulator.js';
import { startGatewayEmulator } from '../../../src/emulator.js';
import type { EmulatorOptions } from '../../../src/options.js';
import { makeCertificates } from '../../../src/server/tls/certificates.js';
import { RawClient } from '../raw-client.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator;
afterEach(() => gateway.close());

async function start(options: EmulatorOptions = {}): Promise<string> {
  gateway = await startGatewayEmulator({ guilds: 2, tls: true, ...options });
  return gateway.ca?.pem ?? '';
}

function get(url: string, ca: string | null): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, ...(ca === null ? {} : { ca }) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.once('error', reject).end();
  });
}

describe('an emulator with TLS:', () => {
  test('every address is wss or https, READY names one too, and a session is served and resumed', async () => {
    const ca = await start();
    for (const url of [gateway.url, gateway.resumeUrl]) expect(url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+$/);
    for (const url of [gateway.apiUrl, gateway.httpUrl]) expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+/);
    const { text } = await get(`${gateway.apiUrl}/v10/gateway`, ca);
    expect(JSON.parse(text)).toEqual({ url: gateway.url });
    const client = new RawClient(gateway.url, ca);
    const { d } = await client.identify(gateway.token);
    expect(d.resume_gateway_url).toBe(gateway.resumeUrl);
    gateway.traffic.burst(3);
    await client.cut();
    const next = new RawClient(d.resume_gateway_url, ca);
    await next.until('HELLO', ({ op }) => op === 10);
    next.send({ op: 6, d: { token: gateway.token, session_id: d.session_id, seq: 1 } });
    await next.until('RESUMED', ({ t }) => t === 'RESUMED');
    expect(next.received.filter(({ t }) => t === 'MESSAGE_CREATE')).toHaveLength(3);
    await next.cut();
  });

  test('who does not trust its authority is not served, and neither is who speaks without TLS', async () => {
    await start();
    await expect(get(gateway.httpUrl, null)).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    const stranger = await makeCertificates(['127.0.0.1'], Date.parse('2026-01-01'));
    await expect(get(gateway.httpUrl, stranger.caPem)).rejects.toBeInstanceOf(Error);
    expect(await new RawClient(gateway.url).untilClosed()).toBe(1006);
    expect(await new RawClient(gateway.url.replace('wss:', 'ws:')).untilClosed()).toBe(1006);
    expect(gateway.admin.status().sockets).toBe(0);
  });

  test.each([
    ['a reset', () => void gateway.admin.reset(), 1006],
    ['a cut', () => void gateway.admin.drop(), 1006],
    ['a close code', () => void gateway.admin.drop({}, { code: 4000 }), 4000],
    ['hosts that hang up', () => gateway.admin.takeGatewayAway(), 1006],
    ['hosts that refuse', () => gateway.admin.takeGatewayAway({ how: 'refuse' }), 1006],
  ])('%s reaches the client, and its session is kept', async (_what, fault, code) => {
    const ca = await start();
    const client = new RawClient(gateway.url, ca);
    await client.identify(gateway.token);
    await fault();
    expect(await client.untilClosed()).toBe(code);
    await until(() => gateway.admin.status().sessions[0]?.attached === false, { what: 'the session to wait' });
    await gateway.admin.bringGatewayBack();
    const next = new RawClient(gateway.url, ca);
    await next.until('HELLO', ({ op }) => op === 10);
    await next.cut();
  });

  test('its certificate is for its addresses and for the hosts of Discord, and nobody can sign another', async () => {
    const ca = await start({ resumeAddress: '127.0.0.2' });
    const { hostname, port } = new URL(gateway.resumeUrl);
    expect(hostname).toBe('127.0.0.2');
    for (const servername of ['gateway.discord.gg', 'discord.com', 'us-east1.discord.media', 'localhost']) {
      const certificate = await new Promise<PeerCertificate>((resolve, reject) => {
        const socket = connect({ host: hostname, port: Number(port), ca, servername }, () => {
          resolve(socket.getPeerCertificate());
          socket.destroy();
        });
        socket.once('error', reject);
      });
      expect(certificate.subjectaltname).toContain('IP Address:127.0.0.2');
    }
    const authority = new X509Certificate(ca);
    expect([authority.ca, authority.subject]).toEqual([true, 'CN=dso-gateway (this run only)']);
  });

  test("with Discord's names, URLs name Discord's hosts", async () => {
    const ca = await start({ names: 'discord' });
    const port = new URL(gateway.httpUrl).port;
    expect(gateway.url).toBe(`wss://gateway.discord.gg:${port}`);
    expect(gateway.resumeUrl).toMatch(/^wss:\/\/gateway-us-east1-b\.discord\.gg:\d+$/);
    expect(gateway.apiUrl).toBe(`https://discord.com:${port}/api`);
    expect(JSON.parse((await get(`${gateway.httpUrl}/api/gateway`, ca)).text)).toEqual({ url: gateway.url });
  });
});

describe('the voice gateway', () => {
  test('listens where VOICE_SERVER_UPDATE says, by its address or by a name of Discord', async () => {
    await start({ voiceAddress: '127.0.0.3' });
    expect(gateway.voiceEndpoint).toMatch(/^127\.0\.0\.3:\d+$/);
    await gateway.close();
    await start({ names: 'discord' });
    expect(gateway.voiceEndpoint).toMatch(/^us-east1-emulated\.discord\.media:\d+$/);
  });

  test('is not there without TLS: the endpoint is one that nobody has', async () => {
    gateway = await startGatewayEmulator({ guilds: 1 });
    const { id, ...guild } = {
      id: gateway.world.guildAt(0).id,
      channel: gateway.world.guildAt(0).voiceChannelIds()[0],
    };
    const client = new RawClient(gateway.url);
    await client.identify(gateway.token, [0, 1], 1 | 128);
    const d = { guild_id: id, channel_id: guild.channel, self_mute: false, self_deaf: false };
    client.send({ op: 4, d });
    const server = await client.until('the voice server', ({ t }) => t === 'VOICE_SERVER_UPDATE');
    expect(server.d).toMatchObject({ endpoint: 'voice.invalid:443' });
    expect([gateway.voiceEndpoint, gateway.admin.dropVoice()]).toEqual([null, 0]);
    await client.cut();
  });
});

describe("the authority's certificate", () => {
  test('is in a file that is gone when the emulator is', async () => {
    const pem = await start();
    const { path = '' } = gateway.ca ?? {};
    expect(readFileSync(path, 'utf8')).toBe(pem);
    await gateway.close();
    expect(existsSync(path)).toBe(false);
  });

  test('stays in a file that was named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dso-gateway-test-'));
    const caFile = join(folder, 'ca.pem');
    const pem = await start({ caFile });
    await gateway.close();
    expect(readFileSync(caFile, 'utf8')).toBe(pem);
    rmSync(folder, { recursive: true });
  });

  test('that cannot be written is an error that names the file, and nothing listens', async () => {
    await start();
    await expect(startGatewayEmulator({ tls: true, caFile: '/nowhere/at/all.pem' })).rejects.toMatchObject({
      code: 'DSO_EMULATOR_CA_NOT_WRITTEN',
      message: expect.stringContaining('/nowhere/at/all.pem') as string,
    });
  });
});
