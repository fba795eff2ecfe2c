import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAuthority } from '@dshard/testkit/certificates';
import type { TlsFiles } from '@dshard/transport';
import { resolveConfig } from '@dshard/api/config';

let authority: TestAuthority;
let own: TlsFiles;

beforeAll(async () => {
  authority = await TestAuthority.create();
  own = await authority.issue('orchestrator', { names: ['orchestrator.internal', '127.0.0.1'] });
});
afterAll(() => authority.remove());

const TOKEN = '0123456789abcdef0123456789abcdef';

function resolve(environment: Record<string, string | undefined>) {
  const given = Object.entries(environment).filter(([, value]) => value !== undefined);
  return resolveConfig({
    cwd: '/',
    environment: { DSO_TOKEN: TOKEN, DSO_TOTAL_SHARDS: '1', ...Object.fromEntries(given) },
  });
}

const secret = (more: Record<string, string> = {}) =>
  resolve({ DSO_TLS_CERT: own.cert, DSO_TLS_KEY: own.key, DSO_LAUNCHER_COMMAND: 'node bot.js', ...more });

describe('TLS in the configuration', () => {
  test('is off by default, and on at both doors with a certificate', () => {
    expect(resolve({})).toMatchObject({ tls: null, http: { tls: null } });
    expect(secret()).toMatchObject({ tls: own, http: { tls: own } });
  });

  test('asks nodes for certificates where an authority is named, and REST clients where that is wanted', () => {
    const ca = { DSO_TLS_CA: authority.ca };
    expect(secret(ca)).toMatchObject({ tls: { ...own, ca: authority.ca }, http: { tls: own } });
    const { http } = secret({ ...ca, DSO_HTTP_CLIENT_CERTIFICATES: 'true' });
    expect(http?.tls).toEqual({ ...own, ca: authority.ca });
  });

  // They reach 127.0.0.1, and the certificate may be for a name only.
  test('tells launched nodes whom to trust, by which name, and what to show', () => {
    expect(secret().launcher?.env).toEqual({ DSO_TLS: 'true', DSO_TLS_SERVER_NAME: 'orchestrator.internal' });
    expect(secret({ DSO_TLS_CA: authority.ca }).launcher?.env).toEqual({
      DSO_TLS: 'true',
      DSO_TLS_SERVER_NAME: 'orchestrator.internal',
      DSO_TLS_CA: authority.ca,
      DSO_TLS_CERT: own.cert,
      DSO_TLS_KEY: own.key,
    });
  });

  test.each<[string, () => Record<string, string | undefined>, RegExp]>([
    [
      'a certificate without its key',
      () => ({ DSO_TLS_CERT: own.cert }),
      /DSO_TLS_CERT: tls\.cert: needs tls\.key as well/,
    ],
    [
      'a key without its certificate',
      () => ({ DSO_TLS_KEY: own.key }),
      /DSO_TLS_KEY: tls\.key: needs tls\.cert as well/,
    ],
    ['an authority without a certificate', () => ({ DSO_TLS_CA: authority.ca }), /tls\.ca: needs tls\.cert as well/],
    [
      'a file that is not there',
      () => ({ DSO_TLS_CERT: '/nowhere.pem', DSO_TLS_KEY: own.key }),
      /DSO_TLS_CERT: tls: The certificate \/nowhere\.pem cannot be read/,
    ],
    [
      'certificates of clients without an authority',
      () => ({ DSO_HTTP_CLIENT_CERTIFICATES: 'true' }),
      /http\.clientCertificates: needs tls\.ca as well/,
    ],
    [
      'a door for nodes beyond loopback in plain text',
      () => ({ DSO_LISTEN: '0.0.0.0:7447' }),
      /DSO_LISTEN: listen: other machines can reach 0\.0\.0\.0:7447, in plain text: give tls\.cert/,
    ],
    [
      'a door for people beyond loopback in plain text',
      () => ({ DSO_HTTP_LISTEN: '10.0.0.5:7448' }),
      /http\.listen: other machines can reach/,
    ],
  ])('is refused with the way out: %s', (_, environment, sentence) => {
    expect(() => resolve(environment())).toThrow(sentence);
  });

  test('is not needed where the operator says that the network is the operator’s own, or nobody else reaches the door', () => {
    const insecure = resolve({ DSO_LISTEN: '0.0.0.0:7447', DSO_INSECURE: 'true', DSO_LAUNCHER_COMMAND: 'node bot.js' });
    expect(insecure.tls).toBeNull();
    expect(insecure.launcher?.env).toEqual({ DSO_INSECURE: 'true' });
    expect(resolve({ DSO_HTTP_LISTEN: '10.0.0.5:7448', DSO_HTTP_ENABLED: 'false' }).http).toBeNull();
  });
});
