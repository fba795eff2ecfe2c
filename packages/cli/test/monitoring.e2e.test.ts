/**
 * The guide to monitoring as an operator follows it, with a fleet of real processes: what of it needs a shell, and the
 * real Prometheus where it is installed, which scrapes by the guide's own lines and fires an alert of the shipped
 * rules when a node dies.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blocksOf, commandsOf, until } from '@dshard/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort, orchestratorsOfEachTest, QUIET_BOT, untilServing, type Running } from './orchestrators.js';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = readFileSync(join(REPOSITORY, 'docs/guide/monitoring.md'), 'utf8');
const DSO = fileURLToPath(new URL('../bin/dso.js', import.meta.url));
const TOKEN = 'a-token-of-enough-characters-0123456789';
const HTTP = /127\.0\.0\.1:7448/g;
const scene = orchestratorsOfEachTest();

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const prometheus = isInstalled('prometheus');
if (!prometheus)
  process.stderr.write('Prometheus is not installed (Debian: prometheus): the guide is not tried with it.\n');

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function folderOfItsOwn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dso-monitoring-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function fleet(): Promise<Running & { host: string }> {
  const flags = ['--bot', QUIET_BOT, '--nodes', '2', '--shards', '4', ...(await scene.all.ports())];
  const running = await scene.all.running(flags, { DSO_TOKEN: TOKEN });
  await untilServing(running, 2, 4, TOKEN);
  return { ...running, host: running.http.replace('http://', '') };
}

/** As in a shell in the root of the repository, with the orchestrator's address in place of the usual one. */
function run(command: string, { http, host }: { http: string; host: string }): { code: number | null; said: string } {
  const bin = folderOfItsOwn();
  symlinkSync(DSO, join(bin, 'dso'));
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, DSO_CLI_ADDR: http, DSO_TOKEN: TOKEN };
  const text = command.replaceAll(HTTP, host);
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', text], { cwd: REPOSITORY, env, encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}` };
}

describe('the guide to monitoring', () => {
  test('its commands that are not those of dso run as they stand', async () => {
    const where = await fleet();
    const commands = blocksOf(PAGE)
      .filter(({ attributes }) => attributes['run'] === 'monitoring')
      .flatMap(commandsOf);
    expect(commands.map((command) => command.split(' ')[0])).toEqual(['curl', 'promtool']);
    for (const command of commands) {
      if (command.startsWith('promtool') && !isInstalled('promtool')) continue;
      const { code, said } = run(command, where);
      expect([command, code, code === 0 ? '' : said]).toEqual([command, 0, '']);
      if (command.startsWith('curl')) expect(said).toContain('\ndso_shards{condition="up"} 4\n');
    }
  }, 120_000);

  test.runIf(prometheus)(
    'Prometheus scrapes by its lines with a token that may only read, and an alert fires when a node dies',
    async () => {
      const where = await fleet();
      const { said } = run('dso token create prometheus read --expires never --json', where);
      const { token } = JSON.parse(said) as { token: string };
      const folder = folderOfItsOwn();
      const etc = join(folder, 'etc');
      mkdirSync(etc);
      writeFileSync(join(etc, 'dso-token'), token);
      cpSync(join(REPOSITORY, 'deploy/prometheus/alerts.yaml'), join(etc, 'dso-alerts.yaml'));
      const [lines = ''] = blocksOf(PAGE).flatMap(({ language, code }) => (language === 'yaml' ? code : []));
      const written = lines.replaceAll('/etc/prometheus', etc).replaceAll(HTTP, where.host).replace('15s', '1s');
      writeFileSync(join(folder, 'prometheus.yml'), `global:\n  evaluation_interval: 1s\n${written}`);
      const ask = await startPrometheus(folder);

      await until(async () => (await ask('query?query=dso_shards{condition="up"}')) === '4', {
        what: 'four shards in Prometheus',
        timeoutMs: 30_000,
      });
      expect(await ask('query?query=sum(dso_leader)')).toBe('1');
      expect(await ask('query?query=count(dso_node_memory_bytes)')).toBe('2');

      const [victim] = scene.all.nodes();
      if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
      await until(
        async () => (await ask('query?query=ALERTS{alertname="DsoShardsTakenOver",alertstate="firing"}')) === '1',
        {
          what: 'the alert of a takeover',
          timeoutMs: 60_000,
        },
      );
    },
    150_000,
  );
});

/** @returns what asks it: the value of the first result, or nothing. */
async function startPrometheus(folder: string): Promise<(query: string) => Promise<string | undefined>> {
  const address = `127.0.0.1:${await freePort()}`;
  const flags = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
  ];
  const child: ChildProcess = spawn('prometheus', flags, { stdio: 'ignore' });
  closing.push(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once('exit', resolve));
  });
  type Result = { data?: { result?: { value: [number, string] }[] } };
  return async (query) => {
    const [path = '', parameters = ''] = query.split(/\?query=/);
    try {
      const answer = await fetch(`http://${address}/api/v1/${path}?query=${encodeURIComponent(parameters)}`);
      return ((await answer.json()) as Result).data?.result?.[0]?.value[1];
    } catch {
      // It is starting.
      return undefined;
    }
  };
}
