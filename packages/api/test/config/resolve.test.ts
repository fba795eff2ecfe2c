import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { isPrintable } from '@dshard/protocol';
import { configEntry, CONFIG_KEYS } from '../../src/config/keys.js';
import { resolveConfig, type ConfigSources, type ResolvedConfig } from '../../src/config/resolve.js';
import { ApiError } from '../../src/errors.js';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'dso-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const write = (name: string, content: string): void => writeFileSync(join(cwd, name), content);

type Sources = Omit<ConfigSources, 'cwd'>;
const resolve = (sources: Sources = {}): ResolvedConfig => resolveConfig({ ...sources, cwd });

/** The message of the error, which must be one of ours. */
function refusal(sources: Sources = {}): string {
  try {
    resolve(sources);
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    return (error as ApiError).message;
  }
  throw new Error('It was accepted.');
}

const flag = (key: string, written: unknown): { key: string; written: unknown; flag: string } => ({
  key,
  written,
  flag: `--${key}`,
});

describe('sources', () => {
  test('may all be absent: then everything has its default, and nothing can be changed', () => {
    const config = resolve();
    expect(config).toMatchObject({
      listen: '127.0.0.1:7447',
      token: null,
      ownTokenFile: join(cwd, '.dso', 'token'),
      http: { listen: '127.0.0.1:7448', tokenlessLoopback: false, hosts: [] },
      launcher: null,
      file: null,
      values: {
        totalShards: null,
        responsibleForShards: null,
        ensureAllShardsRunning: true,
        bucketSize: 1,
        nodes: 0,
        startupGrace: 10_000,
      },
    });
    expect(Object.isFrozen(config) && Object.isFrozen(config.values) && Object.isFrozen(config.http)).toBe(true);
  });

  test('flags win over the environment, the environment over the file, the file over the defaults', () => {
    write('dso.yaml', 'bucketSize: 2\nmigrationsPerNode: 2\nmigrationsTotal: 2\n');
    const environment = { DSO_MIGRATIONS_PER_NODE: '3', DSO_MIGRATIONS_TOTAL: '3' };
    const { values, file } = resolve({ environment, flags: [flag('migrationsTotal', '4')] });
    expect(values).toMatchObject({ bucketsPerNode: 0, bucketSize: 2, migrationsPerNode: 3, migrationsTotal: 4 });
    expect(file).toBe('dso.yaml');
  });

  test('a file has sections, comments, anchors and dotted keys', () => {
    write(
      'dso.yaml',
      `# a comment
totalShards: &n 16
maxShardsPerNode: *n
timeouts:
  command: 5s
  launch: 1m
http.listen: 127.0.0.1:9000
http:
discord:
  identifyWindow: 250
responsibleForShards: [0-3, 8]
launcher:
  command: ./bot -nodeid {nodeId}
  env: { LEVEL: debug, N: 3 }
`,
    );
    const config = resolve();
    expect(config.values).toMatchObject({
      totalShards: 16,
      maxShardsPerNode: 16,
      'timeouts.command': 5000,
      'timeouts.launch': 60_000,
      'discord.identifyWindow': 250,
      responsibleForShards: [0, 1, 2, 3, 8],
    });
    expect(config.http?.listen).toBe('127.0.0.1:9000');
    expect(config.launcher).toMatchObject({
      command: './bot -nodeid {nodeId}',
      cwd,
      dataDir: join(cwd, '.dso'),
      env: { LEVEL: 'debug', N: '3' },
    });
  });

  test.each([
    ['empty', ''],
    ['a comment', '# nothing\n'],
    ['null', 'null\n'],
    ['only empty sections', 'http:\nlog:\n'],
  ])('a file that is %s says nothing', (_what, content) => {
    write('dso.yaml', content);
    expect(resolve().values).toEqual(resolveConfig({ cwd: '/nowhere' }).values);
  });

  test('an empty variable is an absent one', () => {
    expect(resolve({ environment: { DSO_NODES: '', DSO_TOKEN: '' } }).token).toBeNull();
  });

  test('every key has a variable of its own, and none is anybody else’s', () => {
    const variables = CONFIG_KEYS.flatMap((key) => configEntry(key).variable ?? []);
    expect(new Set(variables).size).toBe(variables.length);
    expect(variables).toContain('DSO_LAUNCHER_STOP_GRACE');
    expect(variables).toContain('DSO_MAX_SHARDS_PER_NODE');
    expect(variables).toContain('DISCORD_TOKEN');
    expect(variables).not.toContain('DSO_NODE_ID');
  });

  test('a variable that looks like a misspelling is warned about, others are left alone', () => {
    const { warnings } = resolve({
      environment: {
        DSO_TOTAL_SHARD: '4',
        DSO_ORCHESTRATOR: 'x',
        DSO_CLI_ADDR: 'x',
        DSO_COLOUR_OF_THE_SKY: 'x',
        PATH: 'x',
      },
    });
    expect(warnings).toContain('The environment variable DSO_TOTAL_SHARD is not known: did you mean DSO_TOTAL_SHARDS?');
    expect(warnings.join()).not.toMatch(/ORCHESTRATOR|CLI_ADDR|COLOUR|PATH/);
  });

  test('paths in a file are relative to it, others to where the program runs', () => {
    mkdirSync(join(cwd, 'etc'));
    write('etc/dso.yaml', 'launcher:\n  bot: bot.js\n  dataDir: data\n');
    write('etc/bot.js', '');
    write('other.js', '');
    expect(resolve({ file: 'etc/dso.yaml' }).launcher).toEqual({
      command: [process.execPath, join(cwd, 'etc/bot.js')],
      cwd: join(cwd, 'etc'),
      dataDir: join(cwd, 'etc/data'),
      env: {},
    });
    const { launcher } = resolve({ file: 'etc/dso.yaml', flags: [flag('launcher.bot', 'other.js')] });
    expect(launcher?.command).toEqual([process.execPath, join(cwd, 'other.js')]);
  });

  test('what a bot needs to reach Discord is passed on to it, unless it is told otherwise', () => {
    write('dso.yaml', 'launcher: { command: bot }\ndiscord: { token: from-file, api: "http://127.0.0.1:1/api/" }\n');
    expect(resolve().launcher?.env).toEqual({ DISCORD_TOKEN: 'from-file', DISCORD_API: 'http://127.0.0.1:1/api' });
    write('dso.yaml', 'launcher: { command: bot, env: { DISCORD_TOKEN: other } }\ndiscord: { token: from-file }\n');
    expect(resolve().launcher?.env).toEqual({ DISCORD_TOKEN: 'other' });
  });
});

describe('what is wrong', () => {
  /** dso.yaml → what the message must say */
  const files: [content: string, message: RegExp][] = [
    ['nodez: 2', /dso\.yaml:1: unknown key "nodez"\. Did you mean "nodes"\?/],
    ['\n\nlauncher:\n  bott: x', /dso\.yaml:4: unknown key "launcher\.bott"\. Did you mean "launcher\.bot"\?/],
    ['bot: x.js', /unknown key "bot"\. Did you mean "launcher\.bot"\?/],
    ['lancher: { bot: x.js }', /unknown key "lancher"\. Did you mean "launcher"\?/],
    ['colour: red', /unknown key "colour"\. No known key is like it\./],
    ['__proto__: 1', /unknown key "__proto__"/],
    ['constructor: 1', /unknown key "constructor"/],
    ['? [a, b]\n: 1', /unknown key/],
    ['totalShards: many', /dso\.yaml:1: totalShards: expected a whole number from 1 to 100000, or auto, found "many"/],
    ['nodes: -1', /nodes: expected a whole number .*, found -1/],
    ['nodes: 1.5', /found 1\.5/],
    ['nodes: [1]', /found a list of 1/],
    ['nodes: { a: 1 }', /found a section/],
    ['nodes:', /nodes: expected .* found nothing/],
    ['http: 7448', /http: expected a section, found 7448/],
    ['http: { listen: 7448 }', /http\.listen: expected an address with a port, .* found 7448/],
    ['listen: 127.0.0.1', /listen: expected an address with a port/],
    ['startupGrace: soon', /startupGrace: expected a time such as "10s".*found "soon"/],
    ['ensureAllShardsRunning: perhaps', /expected true or false, found "perhaps"/],
    ['log: { level: loud }', /log\.level: expected one of debug, info, warn, error, silent, found "loud"/],
    ['launcher: { env: [A] }', /launcher\.env: expected names with values/],
    ['nodes: 1\nnodes: 2', /dso\.yaml:2: "nodes" stands there twice/],
    ['nodes: "2', /dso\.yaml:1: /],
    ['\tnodes: 2', /dso\.yaml:1: /],
    ['- nodes', /dso\.yaml: expected keys with values/],
    ['just words', /dso\.yaml: expected keys with values/],
    ['responsibleForShards: 0-3', /needs a fixed totalShards/],
    ['totalShards: 4\nresponsibleForShards: 0-4', /dso\.yaml:2: .*no shard 4.*the last is 3/],
    ['nodes: 2', /dso\.yaml:1: nodes: .*launcher\.bot \(--bot\) or launcher\.command/],
    ['launcher: { bot: missing.js }', /there is no file .*missing\.js/],
    ['launcher: { bot: bot.py }', /bot\.py is no \.js, \.mjs, \.cjs file.*launcher\.command/],
    // Node.js 22.18 and later run TypeScript.
    ['launcher: { bot: bot.ts }', /bot\.ts is TypeScript.*--import tsx bot\.ts|there is no file .*bot\.ts/],
    ['launcher: { bot: b.js, command: b }', /there is a launcher\.command already/],
    ['token: a\ntokenFile: b', /dso\.yaml:2: tokenFile: there is a token already \(dso\.yaml:1\)/],
    ['tokenFile: nowhere', /token file .*nowhere cannot be read/],
  ];
  test.each(files)('the file %j is refused with the key and the reason', (content, message) => {
    write('dso.yaml', content);
    expect(refusal()).toMatch(message);
  });

  test('every mistake is named at once, each with its place', () => {
    write('dso.yaml', 'nodez: 2\nbucketSize: x\n');
    const message = refusal({ environment: { DSO_HEARTBEAT: 'often' }, flags: [flag('totalShards', 'x')] });
    expect(message.split('\n')).toEqual([
      'The configuration cannot be used:',
      expect.stringMatching(/^ {2}dso\.yaml:1: unknown key "nodez"/),
      expect.stringMatching(/^ {2}dso\.yaml:2: bucketSize: /),
      expect.stringMatching(/^ {2}DSO_HEARTBEAT: heartbeat: expected a time/),
      expect.stringMatching(/^ {2}--totalShards: totalShards: /),
    ]);
  });

  test('a wrong value is refused also where another source wins', () => {
    write('dso.yaml', 'bucketSize: x\n');
    expect(refusal({ flags: [flag('bucketSize', '2')] })).toMatch(/dso\.yaml:1: bucketSize/);
  });

  test('a refusal never shows a secret', () => {
    write('dso.yaml', 'token: "hush hush"\ndiscord: { token: [my-secret] }\n');
    const message = refusal({ environment: { DISCORD_TOKEN: 'very secret' } });
    expect(message).toMatch(/token: expected printable characters without blanks, or none, found a string/);
    expect(message).not.toMatch(/hush|secret/);
  });

  test('a file that was asked for and is missing is refused', () => {
    expect(refusal({ file: 'other.yaml' })).toMatch(/There is no file .*other\.yaml/);
    expect(refusal({ file: '.' })).toMatch(/cannot be read/);
  });

  /** The story: somebody's token stood under the wrong key, and the complaint about the key put it into a log. */
  test.each([
    ['discord: MTIzNDU2Nzg5MDEyMzQ1Njc4.GhIjKl.aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789ab'],
    ['nodes: 4f9d2c6b8a7e1f3d5c9b8a7e6f1d2c3b'],
    ['log: { level: MTIzNDU2Nzg5MDEyMzQ1Njc4.GhIjKl.aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789ab }'],
    ['MTIzNDU2Nzg5MDEyMzQ1Njc4.GhIjKl.aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789ab:'],
    ['http: hunter2'],
    ['nodes: *MTIzNDU2Nzg5MDEyMzQ1Njc4aBcDeFgHiJkLmNo'],
    ['listen: "https://discord.com/api/webhooks/123456789012345678/aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789ab"'],
  ])('a secret under the wrong key is not shown: %s', (content) => {
    write('dso.yaml', content);
    expect(refusal()).not.toMatch(/hunter2|GhIj.*aBcD|aBcDeFgHiJkLmNo|4f9d2c6b8a7e1f3d|MTIzNDU2Nzg5/);
  });

  /** The story: 1 MB of unknown keys took 117 s, for each was compared with every key there is. */
  test('a file with thousands of unknown keys is refused with the first twenty, and the rest is counted', () => {
    write('dso.yaml', Array.from({ length: 7_000 }, (_, index) => `lancher${index}: 1`).join('\n'));
    const lines = refusal().split('\n');
    expect(lines).toHaveLength(1 + 20 + 1);
    expect(lines.at(-1)).toBe('  What follows was not looked at: 6980 more key(s).');
    write('dso.yaml', 'nodes: 2\n'.repeat(14_000));
    expect(refusal().split('\n').length).toBeLessThan(30);
    write('dso.yaml', '# '.padEnd(128 * 1024 + 1, 'x'));
    expect(refusal()).toMatch(/too large to be a configuration/);
  });

  test('no text of a file reaches a terminal as it is', () => {
    write('dso.yaml', '"no\\u009bdes\\u202e": "\\e[2J"\nnodes: "\\e[2J\\u200b"\n');
    expect(refusal().split('\n').every(isPrintable)).toBe(true);
  });

  test('an alias bomb is refused, and does not go off', () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0 ? 'l0: &l0 [x,x,x,x,x,x,x,x,x]' : `l${level}: &l${level} [${`*l${level - 1},`.repeat(9)}]`,
    );
    write('dso.yaml', levels.join('\n'));
    expect(refusal()).toMatch(/dso\.yaml:\d+: l\d+: .*alias/i);
  });
});

describe('random input', () => {
  const key = fc.oneof(
    fc.constantFrom(...CONFIG_KEYS, 'http', 'launcher', '__proto__', 'toString', 'hasOwnProperty'),
    fc.string({ maxLength: 12 }),
  );
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('auto', 'none', '10s', '0-3', '127.0.0.1:0'));

  test('any document is accepted, or refused with an error that names the file', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: false }), (document) => {
        write('dso.yaml', JSON.stringify(document));
        try {
          resolve();
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).message).toMatch(/dso\.yaml/);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a key that nobody knows is always named', () => {
    const unknown = fc
      .stringMatching(/^[a-z]{3,12}$/)
      .filter((name) => !CONFIG_KEYS.some((each) => each.split('.')[0] === name));
    fc.assert(
      fc.property(unknown, value, (name, written) => {
        write('dso.yaml', JSON.stringify({ [name]: written }));
        expect(refusal()).toContain(`unknown key "${name}"`);
      }),
      { numRuns: 100 },
    );
  });

  test('any bytes in the file are read as a configuration, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        writeFileSync(join(cwd, 'dso.yaml'), bytes);
        try {
          resolve();
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the token', () => {
  test('comes from the environment or a file, trimmed', () => {
    expect(resolve({ environment: { DSO_TOKEN: 'a-token-that-is-long-enough' } })).toMatchObject({
      token: 'a-token-that-is-long-enough',
    });
    write('secret', '  a-token-that-is-long-enough \n');
    chmodSync(join(cwd, 'secret'), 0o600);
    const config = resolve({ environment: { DSO_TOKEN_FILE: 'secret', DSO_TOTAL_SHARDS: '1' } });
    expect(config).toMatchObject({ token: 'a-token-that-is-long-enough', warnings: [] });
  });

  test.each([
    ['empty', ''],
    ['blank', ' \n\t '],
    ['of several words', 'two words'],
    ['binary', '\u0001\u0002'],
  ])('is refused when it is in a file that is %s, and the file is named', (_what, content) => {
    write('secret', content);
    const message = refusal({ flags: [flag('tokenFile', 'secret')] });
    expect(message).toMatch(/--tokenFile: .*token file .*secret/);
  });

  test('is warned about when others can read its file', () => {
    write('secret', 'a-token-that-is-long-enough');
    chmodSync(join(cwd, 'secret'), 0o644);
    expect(resolve({ flags: [flag('tokenFile', 'secret')] }).warnings.join()).toMatch(/Others .*chmod 600/);
  });

  test('is warned about when it can be guessed, and is not shown', () => {
    const warnings = resolve({ environment: { DSO_TOKEN: 'hunter2' } }).warnings.join();
    expect(warnings).toMatch(/at most 36 bits.*openssl/);
    expect(warnings).not.toContain('hunter2');
  });

  test.each<[string, boolean]>([
    ['0123456789abcdef0123456789abcde', true],
    ['0123456789abcdef0123456789abcdef', false],
    ['0'.repeat(38), true],
    ['AbCdEfGhIjKlMnOpQrStU1', false],
    ['AbCdEfGhIjKlMnOpQrStU', true],
  ])('%s is warned of: %s, by the bits that it can have at most', (token, warned) => {
    const { warnings } = resolve({ environment: { DSO_TOKEN: token, DSO_TOTAL_SHARDS: '1' } });
    expect(warnings.length > 0).toBe(warned);
  });

  test.each<[string, Record<string, string>, string | null]>([
    ['nobody chose one', {}, '.dso/token'],
    ['the data directory is another', { DSO_LAUNCHER_DATA_DIR: 'data' }, 'data/token'],
    ['one is set', { DSO_TOKEN: '0123456789abcdef0123456789abcdef' }, null],
    ['tokenless is on', { DSO_TOKENLESS: 'true' }, null],
    ['other machines can reach the port', { DSO_LISTEN: '0.0.0.0:7447', DSO_INSECURE: 'true' }, null],
  ])('of its own is where the orchestrator keeps it, when %s', (_, environment, path) => {
    expect(resolve({ environment }).ownTokenFile).toBe(path === null ? null : join(cwd, path));
  });

  test.each<[string, Record<string, string>, RegExp | null]>([
    ['tokenless', { DSO_TOKENLESS: 'true' }, /every process on this machine/],
    ['tokenless beside a token', { DSO_TOKENLESS: 'true', DSO_TOKEN: '0123456789abcdef0123456789abcdef' }, null],
    ['allowBaseLevelPeers', { DSO_ALLOW_BASE_LEVEL_PEERS: 'true' }, /whoever reaches 127\.0\.0\.1:7447 can/],
    ['neither', {}, null],
  ])('is asked of every node, and who is let in without is warned of: %s', (_, environment, warning) => {
    const { warnings } = resolve({ environment: { ...environment, DSO_TOTAL_SHARDS: '1' } });
    expect(warnings).toEqual(warning === null ? [] : [expect.stringMatching(warning)]);
  });
});

describe('a store in PostgreSQL', () => {
  const url = 'postgres://dso:s3cret@db-1,db-2:5433/bots';
  const withStore = (more: Record<string, string> = {}) =>
    resolve({ environment: { DSO_STORE_KIND: 'postgres', DSO_STORE_URL: url, ...more } });

  test('is its URL, its schema and its times', () => {
    expect(withStore({ DSO_STORE_SCHEMA: 'bot_2', DSO_STORE_STANDBY: 'true' }).store).toEqual({
      kind: 'postgres',
      url,
      schema: 'bot_2',
      leaseMs: 10_000,
      statementTimeoutMs: 1_000,
      standby: true,
      history: 100_000,
    });
  });

  test.each([
    ['no URL', { DSO_STORE_URL: 'none' }, /store\.kind: set store\.url/],
    ['a path', { DSO_STORE_PATH: 'x.db' }, /store\.path: a PostgreSQL store has no file/],
    ['a schema that needs quotes', { DSO_STORE_SCHEMA: 'my-bot' }, /store\.schema: expected a lower-case name/],
    ['another database', { DSO_STORE_URL: 'mysql://x/y' }, /store\.url: expected a URL such as postgres:/],
    [
      'answers that may take longer than the lease has room for',
      { DSO_STORE_LEASE: '5s' },
      /store\.statementTimeout: with a store\.lease of 5000 ms it is 500 ms at most/,
    ],
    [
      'nodes that give up before another orchestrator can lead',
      { DSO_HEARTBEAT: '3s' },
      /heartbeat: nodes would give up an orchestrator after 9000 ms, .* set it to 3667 ms at least/,
    ],
  ])('with %s is refused', (_, more, problem) => {
    expect(() => withStore(more)).toThrow(problem);
  });

  test('says nothing of its password in a complaint', () => {
    expect(() => withStore({ DSO_STORE_URL: 'postgres:s3cret' })).toThrow(/^(?!.*s3cret)/s);
  });

  test('is asked for by its kind: a URL alone is refused', () => {
    expect(() => resolve({ environment: { DSO_STORE_URL: url } })).toThrow(/store\.url: only store\.kind postgres/);
  });

  test.each([
    ['5s', '500ms', '2s'],
    ['1s', '100ms', '0'],
  ])('with a lease of %s, answers within %s and a heartbeat of %s is taken', (lease, timeout, heartbeat) => {
    const times = { DSO_STORE_LEASE: lease, DSO_STORE_STATEMENT_TIMEOUT: timeout, DSO_HEARTBEAT: heartbeat };
    expect(withStore(times).store.kind).toBe('postgres');
  });
});
