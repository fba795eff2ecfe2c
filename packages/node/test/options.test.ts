import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { launchEnvironment, nodeIdFromArgv, tokenBeside } from '../src/environment.js';
import { NodeError } from '../src/errors.js';
import { resolveOptions } from '../src/options.js';
import { FakeHost } from './fake-host.js';

const host = new FakeHost();
const resolve = (options: object, env: Record<string, string> = {}) => resolveOptions({ host, ...options }, env);

describe('options', () => {
  test.each([
    [{ nodeID: 'a' }, 'The option "nodeID" of createNode is not known; did you mean "nodeId"?'],
    [{ flavour: 1 }, 'The option "flavour" of createNode is not known'],
    [
      { limits: { hostCallMS: 1 } },
      'The option "hostCallMS" of createNode (limits) is not known; did you mean "hostCallMs"?',
    ],
    [{ limits: { hostCallMs: 0 } }, 'The option "limits.hostCallMs" of createNode is 0, but must be a whole number'],
    [{ orchestrator: 'nowhere' }, 'The option "orchestrator" of createNode is "nowhere"'],
    [{ nodeId: 'a/b' }, 'The option "nodeId" of createNode is "a/b"'],
    [{ token: 'two words' }, 'The option "token" of createNode must be printable characters without blanks'],
    [{ token: '' }, 'The option "token" of createNode must be printable characters'],
    [{ allowBaseLevelOrchestrator: 'perhaps' }, '"allowBaseLevelOrchestrator" of createNode is "perhaps"'],
    [{ orchestrator: 'dso.internal:7447' }, 'another machine perhaps, and the connection would be in plain text'],
    [{ orchestrator: '10.0.0.5:7447', insecure: 'perhaps' }, '"insecure" of createNode is "perhaps"'],
    [{ tls: { cert: 'own.pem' } }, 'The option "tls" of createNode needs cert and key together'],
    [{ tls: { ca: 7 } }, 'The option "tls.ca" of createNode must be a text'],
    [{ tls: { cA: 'ca.pem' } }, 'is not known; did you mean "ca"?'],
    [{ host: undefined }, 'The option "host" of createNode is missing'],
    [{ host: { startShards: () => undefined } }, 'has no method resumeShard'],
  ])('are refused by name when they are wrong: %j', (options, message) => {
    expect(() => resolve(options)).toThrow(NodeError);
    expect(() => resolve(options)).toThrow(message);
  });

  test('are refused by name when those of the host leave no time to freeze a shard', () => {
    const slow = Object.assign(new FakeHost(), { timeouts: { readyMs: 1, importMs: 1, handlersMs: 5_000 } });
    expect(() => resolve({ host: slow })).toThrow(/limits\.freezeTimeoutMs.*is 5000.*timeouts\.handlersMs/u);
    expect(resolve({ host: slow, limits: { freezeTimeoutMs: 5_001 } }).hostTimeouts.handlersMs).toBe(5_000);
  });

  test("come from the launcher's environment where they are not given", () => {
    const env = { DSO_NODE_ID: 'n-1', DSO_ORCHESTRATOR: '127.0.0.1:1', DSO_TOKEN: 't', DSO_VERSION: 'v2' };
    expect(resolve({}, env)).toMatchObject({
      nodeId: 'n-1',
      orchestrators: ['127.0.0.1:1'],
      token: 't',
      version: 'v2',
      exitOnShutdown: true,
    });
    expect(resolve({ nodeId: 'mine', exitOnShutdown: false }, env)).toMatchObject({
      nodeId: 'mine',
      exitOnShutdown: false,
    });
  });

  test.each<[string, object, Record<string, string>]>([
    ['TLS is on by an authority', {}, { DSO_TLS_CA: '/etc/ca.pem' }],
    ['TLS is on by itself', {}, { DSO_TLS: 'true' }],
    ['TLS is on by an option', { tls: { ca: '/etc/ca.pem', serverName: 'dso' } }, {}],
    ['plain text is wanted', {}, { DSO_INSECURE: 'true' }],
    ['plain text is wanted by an option', { insecure: true }, {}],
  ])('let a node reach an orchestrator beyond loopback when %s', (_, options, env) => {
    expect(resolve({ orchestrator: 'dso.internal:7447', ...options }, env).orchestrators).toEqual([
      'dso.internal:7447',
    ]);
  });

  test('have defaults for a bot that nobody launched', () => {
    expect(resolve({}, { DSO_TOKEN: '' })).toMatchObject({
      nodeId: '',
      orchestrators: ['127.0.0.1:7447'],
      token: null,
      allowBaseLevelOrchestrator: false,
      version: 'unknown',
      exitOnShutdown: false,
    });
  });
});

describe('the launcher', () => {
  test('may give the token in a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dshard-'));
    const path = join(folder, 'token');
    writeFileSync(path, ' secret\n');
    expect(launchEnvironment({ DSO_TOKEN_FILE: path }).token).toBe('secret');
    expect(launchEnvironment({ DSO_TOKEN_FILE: path, DSO_TOKEN: 'direct' }).token).toBe('direct');
    writeFileSync(path, '\n');
    expect(() => launchEnvironment({ DSO_TOKEN_FILE: path })).toThrow(`${path} is empty`);
    rmSync(folder, { recursive: true });
    expect(() => launchEnvironment({ DSO_TOKEN_FILE: path })).toThrow(`${path} cannot be read`);
  });

  test.each([
    [['node', 'bot.js', '-nodeid', 'a-1'], 'a-1'],
    [['node', 'bot.js', '--nodeid', 'a-1'], 'a-1'],
    [['node', 'bot.js', '--nodeid=a-1'], 'a-1'],
    [['node', 'bot.js', '-nodeid'], undefined],
    [['node', 'bot.js'], undefined],
  ])('may give the node id by the ancestor’s arguments: %j', (argv, id) => {
    expect(nodeIdFromArgv(argv)).toBe(id);
  });
});

describe('a node that is started by hand', () => {
  let folder = '';
  const file = (): string => join(folder, '.dso', 'token');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dshard-'));
    mkdirSync(join(folder, '.dso'));
    writeFileSync(file(), 'secret\n', { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('finds the token of an orchestrator of this machine that runs in the same folder', () => {
    expect(tokenBeside(['127.0.0.1:7447'], {}, folder)).toBe('secret');
    expect(tokenBeside(['localhost:7447'], {}, folder)).toBe('secret');
    expect(tokenBeside(['127.0.0.1:7447'], {}, join(folder, '.dso'))).toBeUndefined();
  });

  test('does not use it toward another machine, or where DSO_TOKEN says that there is none', () => {
    expect(tokenBeside(['10.0.0.1:7447'], {}, folder)).toBeUndefined();
    expect(tokenBeside(['127.0.0.1:7447'], { DSO_TOKEN: '' }, folder)).toBeUndefined();
  });

  test('does not believe a file that others can write, and names one that holds no token', () => {
    chmodSync(file(), 0o666);
    expect(tokenBeside(['127.0.0.1:7447'], {}, folder)).toBeUndefined();
    chmodSync(file(), 0o600);
    writeFileSync(file(), '');
    expect(() => tokenBeside(['127.0.0.1:7447'], {}, folder)).toThrow(`${file()} is empty`);
  });

  test.each<[object, Record<string, string>, boolean]>([
    [{}, { DSO_ALLOW_BASE_LEVEL_ORCHESTRATOR: 'true' }, true],
    [{ allowBaseLevelOrchestrator: false }, { DSO_ALLOW_BASE_LEVEL_ORCHESTRATOR: 'true' }, false],
    [{ allowBaseLevelOrchestrator: true }, {}, true],
  ])('with %j and %j obeys an orchestrator without proof: %s', (options, env, obeys) => {
    expect(resolve(options, { DSO_TOKEN: 't', ...env }).allowBaseLevelOrchestrator).toBe(obeys);
  });
});
