/** The guide for several hosts, as it stands: files are written, commands are run on hosts with its addresses. */
import { spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusV1 } from '@dshard/api';
import { namespacesMissing, NamespaceWorld, PostgresPair, until, type NamespaceHost } from '@dshard/testkit';
import { afterEach, expect, test } from 'vitest';

const PAGE = readFileSync(new URL('../../../docs/guide/several-hosts.md', import.meta.url), 'utf8');
const DSO = fileURLToPath(new URL('../../cli/bin/dso.js', import.meta.url));
const BOT = new URL('../../cli/test/bots/quiet-bot.js', import.meta.url).href;
const SHARDS = 12;

const missing = namespacesMissing();
const here = missing === null ? test : test.skip;
const why = missing === null ? '' : ` (NOT RUN HERE: ${missing})`;

/** Each block with the comment before it. */
const blocks = [...PAGE.matchAll(/^<!-- (.*?) -->\n\n```(?:sh run=several-hosts|yaml)\n(.*?)^```$/gms)].map(
  ([, where = '', text = '']) => ({
    where,
    text,
  }),
);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

here(`the guide leads to a fleet on three hosts that outlives one of them${why}`, { timeout: 240_000 }, async () => {
  const world = await NamespaceWorld.make({ hosts: 3 });
  closing.push(() => world.close());
  const [host1, host2, host3] = [world.host(0), world.host(1), world.host(2)];
  const database = await PostgresPair.start({
    primary: { host: host3.address, enter: host3.enter },
    standby: { host: host2.address, enter: host2.enter },
  });
  closing.push(() => database.close());
  const folder = mkdtempSync(join(tmpdir(), 'dso-guide-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(DSO, join(bin, 'dso'));
  writeFileSync(join(folder, 'bot.js'), `import(${JSON.stringify(BOT)});\n`);
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, DSO_STORE_URL: database.url };
  const shell = (text: string, host?: NamespaceHost): readonly string[] => {
    const named = `hostname() { echo ${host?.name ?? ''}; }\n`;
    return ['sh', '-ec', `${named}${text}`];
  };

  const runAtHome = (text: string): void => {
    const [program = '', ...words] = shell(text);
    const { status, stderr } = spawnSync(program, words, { cwd: folder, env, encoding: 'utf8' });
    expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  };
  const said: string[] = [];
  const start = (text: string, host: NamespaceHost): ChildProcess => {
    const child = world.spawn(host, shell(text, host), { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr?.on('data', (more) => said.push(`${host.name}: ${more}`));
    return child;
  };
  const run = (text: string, host: NamespaceHost): string => {
    const [program = '', ...words] = [...host.enter, ...shell(text, host)];
    const { status, stdout, stderr } = spawnSync(program, words, { cwd: folder, env, encoding: 'utf8' });
    expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
    return stdout;
  };
  const access = 'export DSO_CLI_ADDR=https://10.77.0.1:7448 DSO_TOKEN_FILE=token DSO_TLS_CA=ca.pem\n';
  const statusAt = (host: NamespaceHost): StatusV1 => {
    const [program = '', ...words] = [...host.enter, ...shell(`${access}dso status --json`, host)];
    return JSON.parse(spawnSync(program, words, { cwd: folder, env, encoding: 'utf8' }).stdout) as StatusV1;
  };
  const whoRuns = (): Record<string, number> => {
    const status = statusAt(host1);
    if (status.conditionCounts.up !== SHARDS) throw new Error(`${status.conditionCounts.up} shards are up.`);
    return Object.fromEntries(status.nodes.map(({ host, shards }) => [host ?? '', shards.length]));
  };

  const bots = new Map<string, ChildProcess>();
  for (const { where, text } of blocks) {
    if (where === 'at home') runAtHome(text);
    else if (where.startsWith('file ')) writeFileSync(join(folder, where.slice('file '.length)), text);
    else if (where === 'on host-1, host-2, host-3') {
      for (const host of world.hosts) bots.set(host.name, start(text, host));
      const isEven = (): boolean => {
        const counts = whoRuns();
        return world.hosts.every(({ name }) => counts[name] === SHARDS / world.hosts.length);
      };
      await until(isEven, {
        what: 'each host to run its third',
        timeoutMs: 90_000,
      }).catch((error: unknown) => {
        throw new Error(said.join(''), { cause: error });
      });
    } else if (where === 'on host-1, when host-3 is gone') {
      world.cut(host3, host1);
      world.cut(host3, host2);
      // Its primary goes with it, and somebody promotes the standby.
      await database.failOver();
      await until(() => statusAt(host1).store.state === 'open', { what: 'the store to be written', timeoutMs: 60_000 });
      expect(run(text, host1)).toMatch(/host-1/);
      await until(() => whoRuns()['host-3'] === undefined || whoRuns()['host-3'] === 0, { what: 'host-3 to be empty' });
    } else if (text.includes('dso up')) {
      const host = where === 'on host-1' ? host1 : host2;
      start(text, host);
      await until(() => said.some((line) => line.startsWith(host.name)), { what: `${host.name} to say something` });
      if (host === host1) await until(() => said.join('').includes('listens'), { what: 'the first one to lead' });
    } else expect([where, run(text, host1)]).toEqual(['on host-1', expect.stringMatching(/host-3/)]);
  }
  expect([blocks.length, bots.size]).toEqual([8, 3]);
});
