import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeStatus, StatusV1 } from '@dshard/api';
import { until } from '@dshard/testkit';
import { runDso, startDso, untilUp, type Dso } from '../dso.js';

const bot = (name: string): string => fileURLToPath(new URL(`../bots/${name}.js`, import.meta.url));
const ANYWHERE = ['--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--json'];

let cwd: string;
const started: Dso[] = [];
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'dso-up-'));
});
afterEach(async () => {
  for (const dso of started.splice(0)) {
    dso.child.kill('SIGKILL');
    await dso.done;
  }
  // Nodes outlive their orchestrator; those of a test that failed must not outlive it.
  for (const { pid } of recorded()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  rmSync(cwd, { recursive: true, force: true });
});

/** What the launcher remembers of its processes. */
function recorded(): { pid: number }[] {
  const directory = join(cwd, '.dso', 'nodes');
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
    return names.map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as { pid: number });
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A process whose parent has not looked yet is dead all the same.
  return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

function up(args: readonly string[], environment: Record<string, string> = {}): Dso {
  const dso = startDso(['up', ...args], { cwd, environment });
  started.push(dso);
  return dso;
}

type Up = { dso: Dso; address: string; http: string };

async function running(args: readonly string[], environment: Record<string, string> = {}): Promise<Up> {
  const dso = up(args, environment);
  return { dso, ...(await untilUp(dso)) };
}

async function statusOf({ http }: Pick<Up, 'http'>): Promise<StatusV1> {
  return (await (await fetch(`${http}/v1/status`)).json()) as StatusV1;
}

async function connectedNodes(where: Up, count: number, shards: number): Promise<readonly NodeStatus[]> {
  const { nodes } = await until(
    async () => {
      const status = await statusOf(where);
      const connected = status.nodes.filter((node) => node.connection === 'connected');
      return connected.length === count && status.shardCounts.running === shards ? status : null;
    },
    { what: `${count} nodes with ${shards} shards`, timeoutMs: 15_000 },
  );
  return nodes.filter((node) => node.connection === 'connected');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await until(() => server.listening, { what: 'a free port' });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('dso up', () => {
  test('runs a fleet that the other commands operate, and ends it for good on SIGTERM', async () => {
    // Or the node that was drained is filled again before anybody looks.
    const stays = ['--set', 'rebalance=off'];
    const fleet = await running([...ANYWHERE, '--bot', bot('quiet-bot'), '--nodes', '2', '--shards', '4', ...stays]);
    const environment = { DSO_CLI_ADDR: fleet.http };
    const [a, b] = await connectedNodes(fleet, 2, 4);
    expect([a!.shards.length, b!.shards.length]).toEqual([2, 2]);

    const moved = await runDso(['migratenode', a!.id, b!.id, '--no-shutdown'], { environment });
    expect(moved.code).toBe(0);
    const after = await connectedNodes(fleet, 2, 4);
    expect(after.find((node) => node.id === b!.id)?.shards).toHaveLength(4);

    const { stdout } = await runDso(['status'], { environment });
    expect(stdout).toMatch(new RegExp(`^${b!.id} +serving +v1 .* 4 +0 - 3$`, 'm'));

    fleet.dso.child.kill('SIGTERM');
    const ended = await fleet.dso.done;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('the quiet bot is up');
    expect([a, b].map((node) => isAlive(node!.pid!))).toEqual([false, false]);
  });

  test('leaves its nodes running on SIGHUP, and takes them over when it is back', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const args = ['--listen', listen, '--http', '127.0.0.1:0', '--json', '--bot', bot('quiet-bot'), '--shards', '3'];
    const first = await running(args);
    const [before] = await connectedNodes(first, 1, 3);
    first.dso.child.kill('SIGHUP');
    expect((await first.dso.done).code).toBe(0);
    expect(isAlive(before!.pid!)).toBe(true);

    const second = await running(args);
    const [after] = await connectedNodes(second, 1, 3);
    expect([after!.id, after!.pid]).toEqual([before!.id, before!.pid]);
    second.dso.child.kill('SIGINT');
    expect((await second.dso.done).code).toBe(0);
    expect(isAlive(before!.pid!)).toBe(false);
  });

  test('knows at its next start, after kill -9, which node has which shards and what happened before', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const args = ['--listen', listen, '--http', '127.0.0.1:0', '--json', '--bot', bot('quiet-bot'), '--shards', '3'];
    const first = await running(args);
    const [before] = await connectedNodes(first, 1, 3);
    const environment = { DSO_CLI_ADDR: first.http };
    expect((await runDso(['blacklistnode', before!.id], { environment })).code).toBe(0);
    first.dso.child.kill('SIGKILL');
    await first.dso.done;

    const second = await running([...args, '--set', 'startupGrace=1h']);
    const [after] = await connectedNodes(second, 1, 3);
    expect(after).toMatchObject({ id: before!.id, pid: before!.pid, intent: 'cordoned' });
    const status = await statusOf(second);
    expect(status).toMatchObject({ graceUntil: null, store: { epoch: 2, state: 'open' } });
    const events = await runDso(['events'], { environment: { DSO_CLI_ADDR: second.http } });
    const ids = [...events.stdout.matchAll(/^ *(\d+) /gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(events.stdout.match(/The total is 3 shards/g)).toHaveLength(1);

    second.dso.child.kill('SIGTERM');
    expect((await second.dso.done).code).toBe(0);
  });

  test('refuses by name to run twice on the same data, and waits as a standby until it may lead', async () => {
    const first = await running([...ANYWHERE, '--shards', '3']);
    const rival = await up(['--shards', '3', '--listen', '127.0.0.1:0', '--no-http']).done;
    expect([rival.code, rival.stderr]).toEqual([1, expect.stringContaining(`process id ${first.dso.child.pid}`)]);
    const standby = up(['--shards', '3', '--listen', '127.0.0.1:0', '--no-http', '--standby']);
    await until(() => standby.stderr.includes('standby'), { what: 'the standby to wait' });
    standby.child.kill('SIGTERM');
    expect((await standby.done).code).toBe(0);
    first.dso.child.kill('SIGTERM');
    expect((await first.dso.done).code).toBe(0);
  });

  test('kills on a second signal what does not want to go', async () => {
    const what = ['--bot', bot('stubborn-bot'), '--nodes', '1', '--shards', '1'];
    const fleet = await running([...ANYWHERE, ...what, '--set', 'launcher.stopGrace=1h']);
    await until(() => fleet.dso.stderr.includes('stubborn'), { what: 'the bot' });
    const [process_] = recorded();
    fleet.dso.child.kill('SIGTERM');
    await until(() => fleet.dso.stderr.includes('another Ctrl-C'), { what: 'the notice' });
    fleet.dso.child.kill('SIGTERM');
    expect((await fleet.dso.done).code).toBe(1);
    expect(isAlive(process_!.pid)).toBe(false);
  });

  test('tells people where it listens, what it starts and what to type next', async () => {
    const port = await freePort();
    const dso = up([
      '--bot',
      bot('quiet-bot'),
      '--nodes',
      '2',
      '--shards',
      '2',
      '--listen',
      '127.0.0.1:0',
      '--http',
      `127.0.0.1:${port}`,
    ]);
    await until(() => dso.stdout.includes('Ctrl-C'), { what: 'the greeting', timeoutMs: 15_000 });
    expect(dso.stdout).toMatch(/Nodes connect to +127\.0\.0\.1:\d+\n/);
    expect(dso.stdout).toMatch(/2 × .*quiet-bot\.js/);
    expect(dso.stdout).toMatch(/Bot token +DISCORD_TOKEN is not set/);
    expect(dso.stdout).toContain(`DSO_CLI_ADDR=127.0.0.1:${port} dso status`);
    // Not on a terminal: the log is for programs.
    for (const line of dso.stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
    dso.child.kill('SIGTERM');
    expect((await dso.done).code).toBe(0);
  });

  test('goes on when nobody reads its log any more', async () => {
    const fleet = await running([...ANYWHERE, '--bot', bot('quiet-bot'), '--shards', '1']);
    fleet.dso.child.stderr?.destroy();
    fleet.dso.child.stdout?.destroy();
    await connectedNodes(fleet, 1, 1);
    expect((await runDso(['startnode'], { environment: { DSO_CLI_ADDR: fleet.http } })).code).toBe(0);
    fleet.dso.child.kill('SIGTERM');
    expect((await fleet.dso.done).code).toBe(0);
  });

  test('keeps running with a bot that dies at once, and says what the bot said', async () => {
    const what = ['--bot', bot('broken-bot'), '--nodes', '1', '--shards', '1', '--log', 'pretty'];
    const fleet = await running([...ANYWHERE, ...what, '--set', 'timeouts.launchRetry=50ms']);
    await until(() => fleet.dso.stderr.split('code 7').length > 3, {
      what: 'more than one attempt',
      timeoutMs: 15_000,
    });
    expect(fleet.dso.stderr).toMatch(/exited with code 7.*the config of the bot is missing a colon/);
    expect((await statusOf(fleet)).shardCounts).toMatchObject({ vacant: 1 });
    fleet.dso.child.kill('SIGTERM');
    expect((await fleet.dso.done).code).toBe(0);
  });
});

describe('dso up that cannot start says why in a sentence, exits with 1, and leaves nothing behind', () => {
  const failing = async (args: readonly string[], environment: Record<string, string> = {}): Promise<string> => {
    const { code, stdout, stderr } = await up(args, environment).done;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(recorded()).toEqual([]);
    return stderr;
  };

  test('a bad key, a bad flag and a bot that is not there are told all at once, each with its place', async () => {
    writeFileSync(join(cwd, 'dso.yaml'), 'nodes: 1\nlauncher:\n  bott: x.js\n');
    const text = await failing(['--shards', 'many', '--bot', 'nowhere.js']);
    expect(text).toMatch(/dso\.yaml:3: unknown key "launcher\.bott"\. Did you mean "launcher\.bot"\?/);
    expect(text).toMatch(/--shards: totalShards: expected a whole number .*"many"/);
    expect(text).toMatch(/--bot: .*no file .*nowhere\.js/);
  });

  test('a taken port is told with how to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await until(() => other.listening, { what: 'the other program' });
    const { port } = other.address() as AddressInfo;
    const start = ['--bot', bot('quiet-bot'), '--nodes', '1', '--shards', '1'];
    const nodes = await failing([...start, '--listen', `127.0.0.1:${port}`, '--http', '127.0.0.1:0']);
    expect(nodes).toMatch(new RegExp(`port ${port} already.*ss -ltnp.*listen in dso\\.yaml or --listen`));
    const http = await failing([...start, '--listen', '127.0.0.1:0', '--http', `127.0.0.1:${port}`]);
    expect(http).toMatch(new RegExp(`port ${port} already.*http\\.listen in dso\\.yaml or --http`));
    other.close();
  });

  test('a port that another orchestrator has is told as such', async () => {
    const { http } = await running([...ANYWHERE, '--shards', '1']);
    const address = http.replace('http://', '');
    const text = await failing(['--shards', '1', '--listen', '127.0.0.1:0', '--http', address, '--data-dir', 'other']);
    expect(text).toContain(`another orchestrator has port ${address.split(':')[1]} already`);
    expect(text).toContain(`dso status --address ${address}`);
  });

  test('an address beyond loopback without a token is refused with how to allow it', async () => {
    const everywhere = ['--shards', '1', '--listen', '0.0.0.0:0', '--no-http'];
    expect(await failing(everywhere)).toMatch(/0\.0\.0\.0:0, in plain text: give tls\.cert.*insecure/);
    expect(await failing([...everywhere, '--set', 'insecure=true'])).toMatch(/0\.0\.0\.0:0.*DSO_TOKEN/);
  });
});
