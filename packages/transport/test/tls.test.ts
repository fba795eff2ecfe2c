import { writeFileSync } from 'node:fs';
import { connect as tlsConnect } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  parseAddress,
  readTls,
  tcpTransport,
  tlsTransport,
  type Logger,
  type TlsFiles,
  type Transport,
} from '@dshard/transport';
import { until, virtualClock } from '@dshard/testkit';
import { TestAuthority } from '@dshard/testkit/certificates';

let authority: TestAuthority;
let stranger: TestAuthority;
let server: TlsFiles;
let client: TlsFiles;

beforeAll(async () => {
  authority = await TestAuthority.create();
  stranger = await TestAuthority.create();
  server = await authority.issue('server');
  client = await authority.issue('client');
});

afterAll(() => {
  authority.remove();
  stranger.remove();
});

const TIMEOUT = { timeoutMs: 5_000 };

/** What a listener hears of each connection. */
async function listening(transport: Transport) {
  const heard: { text: string; ended: string | null }[] = [];
  const listener = await transport.listen('127.0.0.1:0', (stream) => {
    const entry: (typeof heard)[number] = { text: '', ended: null };
    heard.push(entry);
    stream.handle({
      onData: (chunk) => {
        entry.text += Buffer.from(chunk).toString();
        stream.write(Buffer.from(`echo ${Buffer.from(chunk).toString()}`));
      },
      onDrain: () => undefined,
      onClose: ({ error }) => (entry.ended = error?.message ?? 'cleanly'),
    });
    onTestFinished(() => stream.destroy());
  });
  onTestFinished(() => listener.close());
  return { address: listener.address, heard };
}

/** Sends a word, and resolves with what comes back, or with what the connection ended of. */
async function ask(transport: Transport, address: string): Promise<string> {
  const stream = await transport.connect(address, TIMEOUT);
  onTestFinished(() => stream.destroy());
  return new Promise((resolve) => {
    stream.handle({
      onData: (chunk) => resolve(Buffer.from(chunk).toString()),
      onDrain: () => undefined,
      onClose: ({ error }) => resolve(`ended: ${error?.message ?? 'cleanly'}`),
    });
    stream.write(Buffer.from('hello'));
  });
}

function recordingLogger() {
  const lines: string[] = [];
  const add = (_: object, text: string): number => lines.push(text);
  return { lines, logger: { debug: add, info: add, warn: add, error: add } as unknown as Logger };
}

describe('TLS', () => {
  test('carries bytes both ways, and ends cleanly', async () => {
    const { address, heard } = await listening(tlsTransport({ files: server }));
    const transport = tlsTransport({ files: { ca: authority.ca } });
    await expect(ask(transport, address)).resolves.toBe('echo hello');
    const stream = await transport.connect(address, TIMEOUT);
    const closed = new Promise((resolve) =>
      stream.handle({ onData: () => undefined, onDrain: () => undefined, onClose: resolve }),
    );
    stream.write(Buffer.from('last words'));
    stream.end();
    await expect(closed).resolves.toEqual({});
    await until(() => heard[1]?.ended === 'cleanly', { what: 'the other side to see the end' });
    expect(heard[1]?.text).toBe('last words');
  });

  test('of both sides lets in who shows a certificate of the authority, and tells others what is wanted', async () => {
    const { logger, lines } = recordingLogger();
    const { address, heard } = await listening(tlsTransport({ files: { ...server, ca: authority.ca }, logger }));
    const asWith = (files: TlsFiles) => ask(tlsTransport({ files: { ca: authority.ca, ...files } }), address);
    await expect(asWith(client)).resolves.toBe('echo hello');
    await expect(asWith({})).resolves.toMatch(/^ended: the other side wants a certificate.*DSO_TLS_CERT/);
    const foreign = await stranger.issue('foreign');
    // TLS has no word for that, or Node.js does not say it: the log of the side that refuses does.
    await expect(asWith(foreign)).resolves.toMatch(/^ended: /);
    expect(heard).toHaveLength(1);
    // One line, however many there are.
    expect(lines).toEqual([
      expect.stringMatching(/^A connection from 127\.0\.0\.1 was not let in: it shows no certificate/),
    ]);
  });

  test('says in the log why a certificate of somebody else was not accepted', async () => {
    const { logger, lines } = recordingLogger();
    const { address } = await listening(tlsTransport({ files: { ...server, ca: authority.ca }, logger }));
    const foreign = await stranger.issue('foreign');
    await ask(tlsTransport({ files: { ca: authority.ca, ...foreign } }), address);
    await until(() => lines.length === 1, { what: 'the line' });
    expect(lines[0]).toMatch(/was not let in: its certificate is signed by nobody who is trusted here/);
  });

  test.each<[string, () => Promise<{ files: TlsFiles; serverName?: string }>, RegExp]>([
    [
      'of an authority that is not trusted',
      async () => ({ files: { ca: stranger.ca } }),
      /signed by nobody who is trusted/,
    ],
    ['of an authority when none is named', async () => ({ files: {} }), /signed by nobody who is trusted/],
    [
      'with other names',
      async () => ({ files: { ca: authority.ca }, serverName: 'orchestrator.internal' }),
      /for other names.*DSO_TLS_SERVER_NAME/,
    ],
  ])('refuses a certificate %s, and says so', async (_, options, sentence) => {
    const { address } = await listening(tlsTransport({ files: server }));
    await expect(tlsTransport(await options()).connect(address, TIMEOUT)).rejects.toMatchObject({
      code: 'DSO_TLS_REFUSED',
      message: expect.stringMatching(sentence),
    });
  });

  test('finds a certificate by the name that is asked for, whatever the address', async () => {
    const named = await authority.issue('named', { names: ['orchestrator.internal'] });
    const { address } = await listening(tlsTransport({ files: named }));
    const transport = tlsTransport({ files: { ca: authority.ca }, serverName: 'orchestrator.internal' });
    await expect(ask(transport, address)).resolves.toBe('echo hello');
  });

  test('is told from plain text on either side', async () => {
    const plain = await listening(tcpTransport());
    const secret = await listening(tlsTransport({ files: server }));
    const connecting = tlsTransport({ files: { ca: authority.ca } }).connect(plain.address, TIMEOUT);
    await expect(connecting).rejects.toMatchObject({
      code: 'DSO_TLS_REFUSED',
      message: expect.stringContaining('speaks no TLS'),
    });
    await expect(ask(tcpTransport(), secret.address)).resolves.toBeDefined();
    expect(secret.heard).toEqual([]);
  });

  // A certificate lives for weeks, a fleet for months.
  test('shows a renewed certificate without a restart; one that cannot be used leaves the one before in force', async () => {
    const clock = virtualClock(Date.now());
    const { logger, lines } = recordingLogger();
    const files = await authority.issue('renewed', { names: ['first.internal', 'localhost'] });
    const { address } = await listening(tlsTransport({ files, clock, logger }));
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const { port } = parseAddress(address);
        const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().subjectaltname ?? '');
          socket.destroy();
        });
        socket.once('error', reject);
      });
    expect(await shown()).toContain('first.internal');

    await authority.issue('renewed', { names: ['second.internal', 'localhost'] });
    clock.advance(10_000);
    expect(await shown()).toContain('second.internal');

    writeFileSync(files.key, 'no key');
    clock.advance(10_000);
    expect(await shown()).toContain('second.internal');
    expect(lines.at(-1)).toMatch(/renewed\.key holds no private key.*The one before stays in force/);
  });
});

describe('files of certificates and keys', () => {
  const NOW = Date.now();
  const other = (content: string): string => {
    const path = join(authority.folder, 'other.pem');
    writeFileSync(path, content);
    return path;
  };

  test('are read with the names and the end of our certificate', async () => {
    const until = new Date(Math.floor(NOW / 1000) * 1000 + 5 * 24 * 3_600_000);
    const files = await authority.issue('own', { names: ['a.internal', '10.0.0.1'], until });
    expect(readTls(files, NOW).own).toEqual({
      endsAt: until.getTime(),
      names: ['a.internal', '10.0.0.1'],
      selfSigned: false,
    });
    expect(readTls({ ca: authority.ca }, NOW).own).toBeNull();
  });

  test.each<[string, () => TlsFiles | Promise<TlsFiles>, RegExp]>([
    [
      'a certificate that is not there',
      () => ({ ...server, cert: '/nowhere.pem' }),
      /certificate \/nowhere\.pem cannot be read/,
    ],
    ['a certificate without a key', () => ({ cert: server.cert! }), /There is no private key for .*server\.pem/],
    ['a key without a certificate', () => ({ key: server.key! }), /There is no certificate for .*server\.key/],
    [
      'the key of another certificate',
      () => ({ ...server, key: client.key! }),
      /client\.key is not that of the certificate/,
    ],
    ['a certificate where a key should be', () => ({ ...server, key: server.cert! }), /holds no private key/],
    [
      'a key where a certificate should be',
      () => ({ ...server, cert: server.key! }),
      /holds no certificate in PEM form/,
    ],
    [
      'garbage between the right lines',
      () => ({ ca: other('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----') }),
      /other\.pem holds no certificate/,
    ],
    ['an authority that is an empty file', () => ({ ca: other('') }), /holds no certificate/],
    ['a folder', () => ({ ca: authority.folder }), /it is a directory/],
    [
      'a certificate that has ended',
      () => authority.issue('old', { from: new Date(NOW - 9e9), until: new Date(NOW - 1e9) }),
      /old\.pem ended on \d{4}-\d\d-\d\d: renew it/,
    ],
    [
      'a certificate of the future',
      () => authority.issue('future', { from: new Date(NOW + 1e9), until: new Date(NOW + 9e9) }),
      /valid from \d{4}-\d\d-\d\d on/,
    ],
  ])('are refused by name: %s', async (_, files, sentence) => {
    const given = await files();
    expect(() => readTls(given, NOW)).toThrow(sentence);
  });
});
