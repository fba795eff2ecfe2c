import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { OperatorCommand, OrchestratorState } from '@dshard/orchestrator';
import { until } from '@dshard/testkit';
import { testServer, TOKEN } from '../../../orchestrator/test/http/test-server.js';
import type { Alarm } from '@dshard/api';
import type { ShardState } from '../../../orchestrator/src/domain/state/state.js';
import { operation, rolloutData, testNode, testState } from '../../../orchestrator/test/http/fake-orchestrator.js';
import { runDso, startDso, type DsoOptions } from '../dso.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Server = Awaited<ReturnType<typeof testServer>> & { address: string; options: DsoOptions };

async function serve(options: Parameters<typeof testServer>[0] = {}): Promise<Server> {
  const made = await testServer(options);
  closing.push(() => made.server.close());
  const address = await made.server.start();
  return { ...made, address, options: { environment: { DSO_CLI_ADDR: address } } };
}

function rolloutOf(options: object): OperatorCommand {
  const { options: defaults } = rolloutData();
  return { kind: 'startOperation', plan: { kind: 'rollout', ...defaults, ...options }, answer: 'begun' };
}

function takeover(given: { nodes?: string[]; host?: string; force?: boolean }): OperatorCommand {
  return {
    kind: 'startOperation',
    plan: { kind: 'takeover', nodes: [], host: null, force: false, ...given },
    answer: 'begun',
  };
}

const commands: [args: string[], command: OperatorCommand][] = [
  [['startnode'], { kind: 'startNode' }],
  [['shutdownnode', 'web-1'], { kind: 'shutdownNode', node: 'web-1', now: false }],
  [['shutdownnode', 'web-1', '--now', '--yes'], { kind: 'shutdownNode', node: 'web-1', now: true }],
  [
    ['drain', 'a', 'b,c', '--deadline', '10m'],
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: ['a', 'b,c'], host: null, destination: null, shutdown: false, deadline: 600_000 },
      answer: 'begun',
    },
  ],
  [
    ['drain', 'a', '--destination', 'b', '--shutdown'],
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: ['a'], host: null, destination: 'b', shutdown: true, deadline: null },
      answer: 'begun',
    },
  ],
  [['migrateshard', '3', 'web-2'], { kind: 'migrateShard', shard: 3, destination: 'web-2' }],
  [
    ['migratenode', 'a', 'b'],
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: ['a'], host: null, destination: 'b', shutdown: true, deadline: null },
      answer: 'begun',
    },
  ],
  [
    ['migratenode', 'a', 'b', '--no-shutdown'],
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: ['a'], host: null, destination: 'b', shutdown: false, deadline: null },
      answer: 'begun',
    },
  ],
  [['rebalance'], { kind: 'startOperation', plan: { kind: 'rebalance' }, answer: 'begun' }],
  [['scale', '4'], { kind: 'startOperation', plan: { kind: 'scale', nodes: 4 }, answer: 'begun' }],
  [['fullmigration'], rolloutOf({ bake: 0, surge: 1 })],
  [['rollout'], rolloutOf({})],
  [['rollout', '--fast', '--canary', '3', '--bake', '5m'], rolloutOf({ fast: true, canary: 3, bake: 300_000 })],
  [['stopshard', '7', '--yes'], { kind: 'stopShard', shard: 7 }],
  [['startshards', 'a', '0-2,5'], { kind: 'startShards', node: 'a', shards: [0, 1, 2, 5] }],
  [['blacklistnode', 'a&b=c'], { kind: 'cordonNode', node: 'a&b=c' }],
  [['cordon', 'a'], { kind: 'cordonNode', node: 'a' }],
  [['uncordon', 'a'], { kind: 'uncordonNode', node: 'a' }],
  [['cordon', '--host', 'h'], { kind: 'cordonHost', host: 'h' }],
  [['uncordon', '--host', 'h'], { kind: 'uncordonHost', host: 'h' }],
  [['takeover', 'a', 'b', '--yes'], takeover({ nodes: ['a', 'b'] })],
  [['takeover', '--host', 'h', '--yes'], takeover({ host: 'h' })],
  [['takeover', '--host', 'h', '--force', '--yes'], takeover({ host: 'h', force: true })],
  [
    ['drain', '--host', 'h'],
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: [], host: 'h', destination: null, shutdown: false, deadline: null },
      answer: 'begun',
    },
  ],
  [['release', '7'], { kind: 'unquarantine', shards: [7] }],
  [['cancel', 'r/1'], { kind: 'cancelOperation', operation: 'r/1' }],
  [['operations', 'cancel', 'r/1'], { kind: 'cancelOperation', operation: 'r/1' }],
];

describe('a command', () => {
  test('asks for what its name says, and prints the answer', async () => {
    const results = await Promise.all(
      commands.map(async ([args]) => {
        const { orchestrator, options } = await serve();
        const { code, stdout, stderr } = await runDso(args, options);
        return { args, code, stdout, stderr, commands: orchestrator.commands };
      }),
    );
    expect(results).toEqual(
      commands.map(([args, command]) => {
        // What an operation costs is asked for before it is begun.
        const isAgreed = args.includes('--yes');
        const before =
          command.kind === 'startOperation' && !isAgreed ? [{ kind: 'planOperation', plan: command.plan }] : [];
        return { args, code: 0, stdout: 'It is done.\n', stderr: '', commands: [...before, command] };
      }),
    );
  });

  test('prints the deployed version, and asks for a new one to be pulled', async () => {
    const { options } = await serve();
    const [deployed, pulled] = await Promise.all([
      runDso(['deployedversion'], options),
      runDso(['pullnewversion'], options),
    ]);
    expect(deployed).toMatchObject({ code: 0, stdout: 'v2\n' });
    expect(pulled).toMatchObject({ code: 0, stdout: 'It is done.\n' });
  });

  test('prints one JSON document for programs, also when the command is refused', async () => {
    const { orchestrator, options } = await serve();
    expect((await runDso(['startnode', '--json'], options)).stdout).toBe('{"Message":"It is done.","Error":false}\n');
    orchestrator.result = { ok: false, error: { code: 'DSO_UNKNOWN_NODE', message: 'No node x.', fault: 'caller' } };
    const refused = await runDso(['cordon', 'x', '--json'], options);
    expect(refused).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(refused.stdout)).toEqual({ Message: 'No node x.', Error: true, Code: 'DSO_CLI_REFUSED' });
  });

  test('says why it is refused, and exits with 1', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.result = {
      ok: false,
      error: { code: 'DSO_NODE_BUSY', message: 'Node a is busy.', fault: 'conflict' },
    };
    expect(await runDso(['shutdownnode', 'a', '--yes'], options)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'dso: Node a is busy.\n',
    });
    expect(await runDso(['stopshard', 'x', '--yes'], options)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/"shard".*"x"/),
    });
  });
});

describe('the token', () => {
  test('comes from the flag, the environment or a file', async () => {
    const { options } = await serve({ token: TOKEN });
    const directory = mkdtempSync(join(tmpdir(), 'dso-cli-'));
    closing.push(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'token');
    writeFileSync(file, `${TOKEN}\n`);
    chmodSync(file, 0o600);
    const withToken = (name: string, value: string): DsoOptions => ({
      environment: { ...options.environment, [name]: value },
    });
    const [flag, variable, fromFile, wrong, none, missing] = await Promise.all([
      runDso(['deployedversion', '--token', TOKEN], options),
      runDso(['deployedversion'], withToken('DSO_TOKEN', TOKEN)),
      runDso(['deployedversion'], withToken('DSO_TOKEN_FILE', file)),
      runDso(['deployedversion'], withToken('DSO_TOKEN', 'wrong')),
      runDso(['deployedversion'], options),
      runDso(['deployedversion'], withToken('DSO_TOKEN_FILE', '/nowhere/token')),
    ]);
    expect([flag.code, variable.code, fromFile.code]).toEqual([0, 0, 0]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/not one of this orchestrator/) });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/DSO_TOKEN_FILE/) });
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/\/nowhere\/token/) });
  });
});

describe('the address', () => {
  // `dso --address X status` was refused with "unknown option", and the help did not say why.
  test('may stand before the command, as the other options of every command may', async () => {
    const { address } = await serve({ token: TOKEN });
    const lines = [
      ['--address', address, '--token', TOKEN, 'deployedversion'],
      [`--address=${address}`, '--json', 'deployedversion', '--token', TOKEN],
      ['--address', address, '--token', TOKEN, 'operations', 'show', 'r7'],
    ];
    const [apart, joined, nested] = await Promise.all(lines.map((line) => runDso(line)));
    expect([apart?.code, joined?.code]).toEqual([0, 0]);
    expect(JSON.parse(joined?.stdout ?? '')).toMatchObject({ Error: false });
    expect(nested).toMatchObject({ code: 1, stderr: expect.stringContaining('r7') });
    expect(await runDso(['--address', address])).toMatchObject({ code: 2 });
  });

  test('may be a URL, a host with a port, or a port', async () => {
    const { address } = await serve();
    const port = address.split(':')[1]!;
    const forms = [`http://${address}`, `http://${address}/`, address, `localhost:${port}`, `:${port}`];
    const results = await Promise.all(forms.map((form) => runDso(['deployedversion', '--address', form])));
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  });

  test('is taken from the flag before the environment', async () => {
    const { address } = await serve();
    const result = await runDso(['deployedversion', '--address', address], {
      environment: { DSO_CLI_ADDR: 'localhost:1' },
    });
    expect(result.code).toBe(0);
  });

  test('is named where nobody listens, with what to do, and the exit code is 3', async () => {
    const unused = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => unused.once('listening', resolve));
    const { port } = unused.address() as AddressInfo;
    await new Promise((resolve) => unused.close(resolve));
    const args = ['status', '--address', `127.0.0.1:${port}`];
    const [plain, json] = await Promise.all([runDso(args), runDso([...args, '--json'])]);
    expect(plain).toMatchObject({ code: 3, stdout: '' });
    expect(plain.stderr).toMatch(new RegExp(`Nobody listens at http://127.0.0.1:${port}\\. .*dso up.*--address`));
    expect(json).toMatchObject({ code: 3, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({ Error: true, Code: 'DSO_CLI_UNREACHABLE' });
  });

  test('is recognized as that of another program, and the exit code is 3', async () => {
    const web = createServer((_request, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
    const other = createTcpServer((socket) => socket.resume().end('220 mail\r\n')).listen(0, '127.0.0.1');
    const silent = createServer((request) => request.socket.destroy()).listen(0, '127.0.0.1');
    closing.push(() => Promise.all([web, other, silent].map((each) => new Promise((resolve) => each.close(resolve)))));
    await until(() => web.listening && other.listening && silent.listening, { what: 'the other programs' });
    const at = (server: { address(): unknown }): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const results = await Promise.all([web, other, silent].map((each) => runDso(['status', '--address', at(each)])));
    expect(results.map(({ code }) => code)).toEqual([3, 3, 3]);
    expect(results[0]!.stderr).toMatch(/is no orchestrator.*7448/);
    for (const { stderr } of results) expect(stderr).not.toMatch(/\n {4}at /);
  });
});

describe('dso health and dso shards', () => {
  const standing = (level: 'warn' | 'error'): Alarm => ({
    key: 'moreShardsRecommended',
    kind: 'moreShardsRecommended',
    level,
    since: 0,
    raisedAt: 0,
    reason: 'Discord recommends 6 shards\u001b[2J.',
    remedy: 'Plan a higher totalShards.',
    shards: [],
    nodes: [],
  });

  test('health says what is wrong and what to do, and exits with 1 for what is an error only', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.standing = [standing('warn')];
    const warned = await runDso(['health'], options);
    expect(warned.code).toBe(0);
    expect(warned.stdout).toMatch(/^WARNING moreShardsRecommended, for .*: Discord recommends 6 shards\.\n {2}Plan a/);
    orchestrator.standing = [standing('error')];
    const failed = await runDso(['health'], options);
    expect([failed.code, failed.stdout.startsWith('ALARM ')]).toEqual([1, true]);
    orchestrator.standing = [];
    expect((await runDso(['health'], options)).stdout).toMatch(/^No alarm stands\./);
  });

  test('shards that are the same way for the same reason share a line, so that an outage fits a screen', async () => {
    const { orchestrator, options } = await serve();
    const link = { node: 'web-1', phase: 'disconnected', since: 0, refused: null, reason: 'no way out' } as const;
    orchestrator.state = testState({
      totalShards: 400,
      shards: Array.from({ length: 400 }, () => ({ kind: 'running', node: 'web-1', since: 0, link })),
      nodes: new Map([['web-1', testNode('web-1')]]),
    });
    const { stdout } = await runDso(['shards', '--condition', 'notUp'], options);
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^0 - 399 disconnected on web-1 for .*: no way out$/),
    ]);
    const refused = await runDso(['shards', '--condition', 'fine'], options);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/condition/)]);
  });
});

describe('dso status', () => {
  test('shows nodes, shards as ranges, and what is special about them', async () => {
    const { orchestrator, options } = await serve();
    const running = (node: string): ShardState => ({
      kind: 'running',
      node,
      since: 0,
      link: { node, phase: 'ready', since: 0, refused: null, reason: null },
    });
    const refused = { phase: 'disconnected', refused: 4014, reason: 'intents are used that it was not given' } as const;
    orchestrator.state = testState({
      totalShards: 8,
      gateway: { kind: 'failed', at: 0, retryAt: 9, failures: 1, reason: 'it is away', refused: null },
      shards: [
        ...[0, 1, 2, 3].map(() => running('web-1')),
        running('web-2'),
        { kind: 'starting', node: 'web-2', since: 0, deadline: 9, known: null, step: 'start' },
        { kind: 'vacant', since: 0, notBefore: 0, known: null },
        { kind: 'running', node: 'web-1', since: 0, link: { node: 'web-1', since: 0, ...refused } },
      ],
      nodes: new Map([
        ['web-1', testNode('web-1')],
        ['web-2', testNode('web-2', { version: 'v2\u001b[2J', intent: { kind: 'cordoned' } })],
      ]),
    });
    const { code, stdout, stderr } = await runDso(['status'], options);
    expect([code, stderr]).toEqual([0, '']);
    const rows = stdout.split('\n').map((row) => row.split(/ {2,}/));
    expect(rows).toContainEqual(['NODE', 'STATE', 'VERSION', 'MEMORY', 'COUNT', 'SHARDS', 'NOTES']);
    expect(rows).toContainEqual(['web-1', 'serving', 'v1', '-', '5', '0 - 3, 7', 'refused by Discord 7']);
    // A node says what it likes; none of it reaches the terminal as a command.
    expect(rows).toContainEqual(['web-2', 'cordoned', 'v2', '-', '2', '4 - 5', 'starting 5']);
    expect(stdout).toContain('8 shards: 5 up, 1 refused by Discord, 1 vacant, 1 starting');
    expect(stdout).toMatch(/^6 vacant for .*: no connected node has room for it$/m);
    expect(stdout).toMatch(/^7 refused by Discord with 4014 on web-1 for .*: intents are used that it was not given$/m);
    expect(stdout).toContain('Discord could not be asked: it is away');
  });

  test('begins with an alarm, and says what is quarantined, moving or down', async () => {
    const { orchestrator, options } = await serve();
    const crashes = ['web-1', 'web-2', 'web-9'].map((node) => ({ node, at: 0, version: '', witnessed: true }));
    orchestrator.state = testState({
      totalShards: 4,
      shards: [0, 1, 2, 3].map((shard) =>
        shard === 3
          ? { kind: 'vacant', since: 0, notBefore: 0, known: null }
          : { kind: 'unreachable', node: 'web-1', since: 0, known: null, checkpoint: null },
      ),
      nodes: new Map([['web-1', testNode('web-1', { connection: { kind: 'disconnected', since: 0, gone: false } })]]),
      crashRecords: new Map([[3, { crashes, lostOn: null, quarantinedAt: 5, liftedFor: null }]]),
      alarm: { since: 0, silent: ['web-1', 'web-2'], hosts: [] },
    });
    const { stdout } = await runDso(['status'], options);
    expect(stdout).toMatch(/ALARM: 2 nodes are silent \(web-1, web-2\)\.\n.*dso takeover <node>\n4 shards: /);
    expect(stdout).toContain('quarantined: shard 3, because nodes web-1, web-2, web-9 died');
    expect(stdout).toContain('dso unquarantine 3');
    expect(stdout).toContain('moving or down: 3, at most 1 by plan (maxUnavailable)');
  });

  test('prints the whole document for programs', async () => {
    const { options, server } = await serve();
    const { stdout } = await runDso(['status', '--json'], options);
    expect(JSON.parse(stdout)).toEqual((await server.app.inject('/v1/status')).json());
  });
});

const rollout: OrchestratorState['operations'] = new Map([
  [
    'r7',
    {
      ...operation('r7', 1, 'alice@laptop\u001b[2J'),
      kind: 'rollout',
      ...rolloutData({ waiting: ['b'], done: ['z'] }),
    },
  ],
]);

describe('operations', () => {
  test('are shown with their ids, how far they are, and who asked', async () => {
    const { orchestrator, options } = await serve();
    expect((await runDso(['operations'], options)).stdout).toBe('There is none.\n');
    const over = { id: 'd5', kind: 'drain', outcome: 'done', by: 'bob', startedAt: 0, endedAt: 9 } as const;
    orchestrator.state = testState({ operations: rollout, endedOperations: [{ ...over, text: 'Moved 3 shards.' }] });
    const [people, programs, status] = await Promise.all([
      runDso(['operations'], options),
      runDso(['operations', '--json'], options),
      runDso(['status'], options),
    ]);
    expect(people.stdout).toMatch(
      /^r7 +rollout +running +1 of 2 nodes replaced\. \(alice@laptop, .*\nd5 +drain +done /,
    );
    expect(JSON.parse(programs.stdout)).toMatchObject([{ id: 'r7' }, { id: 'd5' }]);
    expect(status.stdout).toContain('rollout r7 (alice@laptop): 1 of 2 nodes replaced.');
  });

  test('are told by the command line who asks', async () => {
    const { orchestrator, options } = await serve();
    await runDso(['startnode'], options);
    expect(orchestrator.requesters[0]).toMatch(/^\S.*@\S+ \(dso\) from 127\.0\.0\.1$/);
  });

  test('are shown one by one with all that is known of them', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.state = testState({ operations: rollout });
    const [people, programs, unknown] = await Promise.all([
      runDso(['operations', 'show', 'r7'], options),
      runDso(['operations', 'show', 'r7', '--json'], options),
      runDso(['operations', 'show', 'r8'], options),
    ]);
    expect(people.stdout).toMatch(/^operation +rollout r7\nstate +running\nasked for by +alice@laptop\n/);
    expect(JSON.parse(programs.stdout)).toMatchObject({ id: 'r7', nodes: { done: 1, total: 2 } });
    expect(unknown).toMatchObject({ code: 1, stderr: 'dso: There is no operation "r8".\n' });
  });

  const over = { id: 'r7', kind: 'rollout', by: 'bob', startedAt: 0, endedAt: 9 } as const;
  const begun = { ok: true, message: 'Replacing 2 nodes.', data: { operation: 'r7' } } as const;

  test('are waited for by whoever starts them, to the end that the orchestrator tells', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.result = begun;
    orchestrator.state = testState({ operations: rollout });
    const dso = startDso(['rollout'], options);
    await until(() => orchestrator.commands.length > 0, { what: 'the command' });
    orchestrator.state = testState({ endedOperations: [{ ...over, outcome: 'done', text: 'Replaced 2 nodes.' }] });
    const { code, stdout, stderr } = await dso.done;
    expect([code, stdout]).toEqual([0, 'Replaced 2 nodes.\n']);
    expect(['', 'rollout r7: 3 of 3 shards. 1 of 2 nodes replaced.\n']).toContain(stderr);
    const again = await runDso(['operations', 'watch', 'r7', '--json'], options);
    expect(JSON.parse(again.stdout)).toEqual({ Message: 'Replaced 2 nodes.', Error: false, operation: 'r7' });
  });

  test.each([
    ['failed', 1, 'DSO_CLI_REFUSED'],
    ['cancelled', 4, 'DSO_CLI_CANCELLED'],
  ] as const)(
    'that end %s make the command exit with %d, and say how far they came',
    async (outcome, exitCode, Code) => {
      const { orchestrator, options } = await serve();
      orchestrator.result = begun;
      const text = 'The rollout stopped: no.';
      orchestrator.state = testState({ endedOperations: [{ ...over, outcome, text }] });
      const [people, programs, watched] = await Promise.all([
        runDso(['rollout'], options),
        runDso(['rollout', '--json'], options),
        runDso(['operations', 'watch', 'r7'], options),
      ]);
      expect(people).toMatchObject({ code: exitCode, stdout: '', stderr: `dso: ${text}\n` });
      expect([programs.code, JSON.parse(programs.stdout)]).toEqual([exitCode, { Message: text, Error: true, Code }]);
      expect(watched).toMatchObject({ code: exitCode, stderr: `dso: ${text}\n` });
    },
  );

  test('are shown before they begin with --dry-run, and then nothing is begun', async () => {
    const { orchestrator, options } = await serve();
    const dryRun = { lines: ['Replacing 2 nodes.'], costs: 'One IDENTIFY.', shards: [0, 1, 2, 5], launches: 2 };
    orchestrator.result = { ok: true, message: 'Replacing 2 nodes.', data: { operation: null, dryRun } };
    const [people, programs] = await Promise.all([
      runDso(['rollout', '--dry-run'], options),
      runDso(['migratenode', 'a', 'b', '--dry-run', '--json'], options),
    ]);
    const lines = [
      'Replacing 2 nodes.',
      'Shards: 0 - 2, 5',
      'It costs: One IDENTIFY.',
      'Nothing was begun (--dry-run).',
    ];
    expect(people).toMatchObject({ code: 0, stdout: `${lines.join('\n')}\n`, stderr: '' });
    expect(JSON.parse(programs.stdout)).toEqual({
      Message: 'Replacing 2 nodes.',
      Error: false,
      operation: null,
      dryRun,
    });
    expect(orchestrator.commands.map(({ kind }) => kind)).toEqual(['planOperation', 'planOperation']);
  });

  test('that an orchestrator without --dry-run began all the same are told of as begun', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.result = begun;
    const { code, stderr } = await runDso(['rollout', '--dry-run'], options);
    expect([code, stderr]).toEqual([1, expect.stringContaining('dso cancel r7')]);
  });

  test('that cost something are not begun by scripts without --yes', async () => {
    const { orchestrator, options } = await serve();
    const dryRun = { lines: [], costs: 'All shards IDENTIFY again.', shards: [], launches: 0 };
    orchestrator.result = { ok: true, message: 'Replacing 2 nodes.', data: { operation: null, dryRun } };
    const refused = await runDso(['rollout'], options);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^dso: All shards IDENTIFY again\. Nothing was begun.*--yes/);
    expect(orchestrator.commands.map(({ kind }) => kind)).toEqual(['planOperation']);
    expect((await runDso(['rollout', '--yes'], options)).code).toBe(0);
    expect(orchestrator.commands.map(({ kind }) => kind)).toEqual(['planOperation', 'startOperation']);
  });

  test('need not be waited for: their id is told', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.result = begun;
    const [people, programs] = await Promise.all([
      runDso(['rollout', '--detach'], options),
      runDso(['rollout', '--detach', '--json'], options),
    ]);
    expect(people).toMatchObject({ code: 0, stdout: 'Replacing 2 nodes. It is operation r7.\n' });
    expect(JSON.parse(programs.stdout)).toEqual({ Message: 'Replacing 2 nodes.', Error: false, operation: 'r7' });
  });

  test('go on when Ctrl-C ends the waiting, which says how to follow and to cancel them', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.result = begun;
    orchestrator.state = testState({ operations: rollout });
    const dso = startDso(['rollout', '--yes'], options);
    await until(() => dso.stderr.includes('rollout'), { what: 'the first line of how far it is' });
    dso.child.kill('SIGINT');
    const { code, stderr } = await dso.done;
    expect(code).toBe(130);
    expect(stderr).toContain('The rollout goes on as r7.');
    expect(stderr).toContain('dso operations watch r7');
    expect(stderr).toContain('dso cancel r7');
  });
});

describe('dso events', () => {
  test('shows what happened, for people and for programs', async () => {
    const { orchestrator, options } = await serve();
    orchestrator.happen('Node a joined.');
    orchestrator.happen('Node b joined.');
    const [people, programs, later] = await Promise.all([
      runDso(['events'], options),
      runDso(['events', '--json'], options),
      runDso(['events', '--after', '1'], options),
    ]);
    expect(people.stdout).toMatch(/^ {4}1 {2}1970-01-01T00:00:01\.000Z {2}info {3}Node a joined\.\n/);
    expect(JSON.parse(programs.stdout)).toMatchObject([{ id: 1 }, { id: 2 }]);
    expect(later.stdout.trim().split('\n')).toHaveLength(1);
  });

  test('goes on with --follow as things happen, also when the orchestrator was away', async () => {
    const first = await serve();
    first.orchestrator.happen('one');
    const dso = startDso(['events', '--follow', '--json'], first.options);
    closing.push(() => dso.child.kill('SIGKILL'));
    await until(() => dso.stdout.includes('"one"'), { what: 'the history' });
    first.orchestrator.happen('two');
    await until(() => dso.stdout.includes('"two"'), { what: 'what happens' });

    await first.server.close();
    await until(() => dso.stderr.includes('hung up'), { what: 'the notice' });
    const second = await serve({ listen: first.address });
    second.orchestrator.happen('three');
    await until(() => dso.stdout.includes('"three"'), { what: 'the next run’s events' });
    const lines = dso.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string });
    expect(lines.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
    dso.child.kill('SIGTERM');
    await dso.done;
  });

  test('exits with 3 when nobody listens at first, also with --follow', async () => {
    expect((await runDso(['events', '-f', '--address', '127.0.0.1:1'])).code).toBe(3);
  });
});
