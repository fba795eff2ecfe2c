/** The hosts are real namespaces, with real processes that talk over real sockets. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { namespacesMissing, NamespaceWorld, type NamespaceHost } from '../src/namespace-world.js';
import { until } from '../src/until.js';

const missing = namespacesMissing();
const here = missing === null ? test : test.skip;
const why = missing === null ? '' : ` (NOT RUN HERE: ${missing})`;

let world: NamespaceWorld | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

/** A server on one host says `hello` to whoever connects. */
async function greeter(of: NamespaceWorld, host: NamespaceHost): Promise<void> {
  const script = `require('net').createServer((s) => s.end('hello')).listen(7000, '${host.address}', () => console.log('up'))`;
  const server = of.spawn(host, [process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server.stdout ?? server, 'data');
}

function greeted(by: NamespaceHost, from: NamespaceHost): string {
  const script = `
    const socket = require('net').connect({ port: 7000, host: '${by.address}' });
    socket.setTimeout(700, () => (console.log('silence'), process.exit()));
    socket.on('error', ({ code }) => console.log(code)).on('data', (said) => console.log(String(said)));`;
  const [enter, ...words] = [...from.enter, process.execPath, '-e', script];
  return spawnSync(enter, words, { encoding: 'utf8' }).stdout.trim();
}

here(`hosts reach each other, until they are parted, and again when the network is whole${why}`, async () => {
  world = await NamespaceWorld.make({ hosts: 3 });
  const [one, two, three] = [world.host(0), world.host(1), world.host(2)];
  await greeter(world, one);
  expect(greeted(one, two)).toBe('hello');
  world.cut(one, two);
  expect([greeted(one, two), greeted(one, three)]).toEqual(['silence', 'hello']);
  world.heal();
  expect(greeted(one, two)).toBe('hello');
});

here(`a link that is cut in one direction passes packets in the other${why}`, async () => {
  world = await NamespaceWorld.make({ hosts: 2 });
  const [one, two] = [world.host(0), world.host(1)];
  const heard = (from: NamespaceHost, to: NamespaceHost): Promise<string> => datagram(world, from, to);
  world.cutOneWay(one, two);
  expect([await heard(one, two), await heard(two, one)]).toEqual(['', 'hello']);
});

here(`packets are lost at random, and all of them when the share is 1${why}`, async () => {
  world = await NamespaceWorld.make({ hosts: 2 });
  const [one, two] = [world.host(0), world.host(1)];
  await greeter(world, one);
  world.losePackets(one, 1);
  expect(greeted(one, two)).toBe('silence');
  world.heal();
  world.losePackets(one, 0.01);
  await until(() => greeted(one, two) === 'hello', { what: 'a greeting over a line that loses packets' });
});

here(`an address moves from one host to another, and connections find it there${why}`, async () => {
  world = await NamespaceWorld.make({ hosts: 3 });
  const [one, two, three] = [world.host(0), world.host(1), world.host(2)];
  const address = world.moveAddress(100, one);
  const service = { ...one, address };
  await greeter(world, service);
  await greeter(world, { ...three, address: '0.0.0.0' });
  expect(greeted(service, two)).toBe('hello');
  world.moveAddress(100, three);
  expect(greeted(service, two)).toBe('hello');
});

here(`a program that is killed leaves no namespace and no process behind${why}`, async () => {
  const module = new URL('../dist/namespace-world.js', import.meta.url).href;
  const script = `
    const { NamespaceWorld } = await import('${module}');
    const world = await NamespaceWorld.make({ hosts: 2 });
    const sleeper = world.spawn(world.host(0), ['sleep', '1000']);
    console.log([sleeper.pid, ...world.hosts.map(({ enter }) => enter.join().match(/proc.(\\d+)/)[1])].join(' '));
    setInterval(() => undefined, 1_000);`;
  const words = ['--input-type=module', '-e', script];
  const program = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(program.stdout, 'data');
  const pids = String(said).trim().split(' ');
  expect([pids.length, pids.filter(lives)]).toEqual([3, pids]);
  program.kill('SIGKILL');
  await until(() => pids.filter(lives).length === 0, { what: 'its processes to be gone' });
});

/** What of a datagram came. */
async function datagram(of: NamespaceWorld | null, from: NamespaceHost, to: NamespaceHost): Promise<string> {
  if (of === null) throw new Error('There is no world.');
  const listen = `
    const socket = require('dgram').createSocket('udp4');
    socket.on('message', (said) => (console.log(String(said)), process.exit()));
    socket.bind(7001, '${to.address}', () => console.error('up'));
    setTimeout(() => process.exit(), 1_000);`;
  const listener = of.spawn(to, [process.execPath, '-e', listen], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  listener.stdout?.on('data', (text) => (said += String(text)));
  await once(listener.stderr ?? listener, 'data');
  const closed = once(listener, 'close');
  const send = `const s = require('dgram').createSocket('udp4'); s.send('hello', 7001, '${to.address}', () => s.close())`;
  const [enter, ...words] = [...from.enter, process.execPath, '-e', send];
  spawnSync(enter, words);
  await closed;
  return said.trim();
}

function lives(pid: string): boolean {
  return existsSync(`/proc/${pid}/ns`) && readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
}
