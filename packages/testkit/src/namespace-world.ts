/**
 * Several hosts on one machine: network namespaces of Linux, each with an address of its own, on one bridge. Real
 * processes run in them, and the network between them can be cut, also in one direction only, and made to lose packets.
 *
 * No namespace has a name: each lives as long as a process that reads our pipe, and ends with us, however we end. So
 * two worlds never collide, and none is left behind. It takes root, iproute2, iptables and util-linux (of Debian).
 */
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';

/** Of the exit code of a program that could not be run here: for want of a privilege, or of a tool. */
export const NOT_RUN_HERE = 77;

export type NamespaceHost = {
  /** `host-1` … */
  name: string;
  address: string;
  /** What stands before a command to run it there, as root and as the process that was started. */
  enter: readonly string[];
};

export type NamespaceWorldOptions = {
  hosts: number;
  /** This process is on the bridge as well, by `outside`: it needs a network of its own (`inOwnNetwork`). */
  joined?: boolean;
};

const NETWORK = '10.77.0';
const OUTSIDE = 254;
const TOOLS = { ip: 'iproute2', iptables: 'iptables', unshare: 'util-linux', nsenter: 'util-linux' } as const;
/** What a program finds in its environment that `inOwnNetwork` started: the network that it came from. */
const CAME_FROM = 'DSO_CAME_FROM_NETWORK';

/** Why there can be no world of namespaces here, and what to do about it; null: there can. */
export function namespacesMissing(): string | null {
  if (process.platform !== 'linux') return `network namespaces are Linux's, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces are made by root: run it as root';
  const missing = Object.entries(TOOLS).filter(([tool]) => spawnSync(tool, ['--version']).error !== undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
    return `there is no ${missing.map(([tool]) => tool).join(', no ')} (Debian: apt-get install ${packages})`;
  }
  const { status, stderr } = spawnSync('unshare', ['--net', 'iptables', '-w', '-L', '-n'], { encoding: 'utf8' });
  if (status === 0) return null;
  return `the system allows no network namespace with packet filters (CAP_SYS_ADMIN and CAP_NET_ADMIN): ${stderr.trim()}`;
}

/**
 * Runs this program once more, in a network of its own, and resolves with its exit code. Null: this is it already.
 * Signals to end are passed on. What it mounts is its own, too, and goes with it.
 */
export async function inOwnNetwork(): Promise<number | null> {
  if (isInOwnNetwork()) return null;
  const env = { ...process.env, [CAME_FROM]: readlinkSync('/proc/self/ns/net') };
  const words = ['--net', '--mount', '--', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', words, { env, stdio: 'inherit' });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, forward);
  const [code] = await exited;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, forward);
  return code ?? 1;
}

function isInOwnNetwork(): boolean {
  const from = process.env[CAME_FROM];
  return from !== undefined && from !== readlinkSync('/proc/self/ns/net');
}

export class NamespaceWorld {
  readonly hosts: readonly NamespaceHost[];
  /** This process, when it has joined. */
  readonly outside: NamespaceHost | null;
  readonly #holders: readonly ChildProcess[];
  readonly #running = new Set<ChildProcess>();
  readonly #filters: { host: NamespaceHost; rule: readonly string[] }[] = [];

  private constructor(
    hosts: readonly NamespaceHost[],
    outside: NamespaceHost | null,
    holders: readonly ChildProcess[],
  ) {
    this.hosts = hosts;
    this.outside = outside;
    this.#holders = holders;
  }

  /** Throws where there can be none; see `namespacesMissing`. */
  static async make({ hosts: count, joined = false }: NamespaceWorldOptions): Promise<NamespaceWorld> {
    const missing = namespacesMissing();
    if (missing !== null) throw new Error(`There can be no hosts here: ${missing}.`);
    if (joined && !isInOwnNetwork()) {
      throw new Error('This program would join the hosts with the network of the machine: start it by inOwnNetwork().');
    }
    const holders: ChildProcess[] = [];
    try {
      const bridge = await hold(holders);
      command([...enterOf(bridge), 'ip', 'link', 'add', 'bridge', 'type', 'bridge']);
      command([...enterOf(bridge), 'ip', 'link', 'set', 'bridge', 'up']);
      const hosts: NamespaceHost[] = [];
      for (let number = 1; number <= count; number += 1) {
        hosts.push(attach(bridge, await hold(holders), number, `host-${number}`));
      }
      const outside = joined ? attach(bridge, process.pid, OUTSIDE, 'outside') : null;
      return new NamespaceWorld(hosts, outside, holders);
    } catch (error) {
      for (const holder of holders) holder.kill('SIGKILL');
      throw error;
    }
  }

  host(number: number): NamespaceHost {
    const host = this.hosts[number];
    if (host === undefined) throw new Error(`There is no host ${number} among ${this.hosts.length}.`);
    return host;
  }

  /** The child is the program itself: its pid can be sent signals. It ends with us. */
  spawn(host: NamespaceHost, [program = '', ...args]: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [enter = '', ...words] = [...host.enter, program, ...args];
    const child = spawn(enter, words, options);
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  /** Nothing of `from` reaches `to`; the other direction works. */
  cutOneWay(from: NamespaceHost, to: NamespaceHost): void {
    this.#filter(to, ['INPUT', '--source', from.address, '--jump', 'DROP']);
  }

  cut(one: NamespaceHost, other: NamespaceHost): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** This share of the packets that come to the host, from other hosts, is lost. */
  losePackets(host: NamespaceHost, share: number): void {
    const chance = ['--match', 'statistic', '--mode', 'random', '--probability', share.toFixed(4)];
    this.#filter(host, ['INPUT', '!', '--in-interface', 'lo', ...chance, '--jump', 'DROP']);
  }

  /** Everything reaches everybody again. */
  heal(): void {
    for (const { host, rule } of this.#filters.splice(0)) filter(host, '--delete', rule);
  }

  /** Gives a host an address besides its own, and takes it from whoever has it: what moves with a service. */
  moveAddress(number: number, to: NamespaceHost): string {
    const address = addressOf(number);
    for (const host of this.hosts) spawnSync('nsenter', ipWords(host, ['addr', 'del', `${address}/24`]));
    command([...to.enter, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
    // Others may know the address by the interface that had it.
    for (const host of [...this.hosts, ...(this.outside === null ? [] : [this.outside])]) {
      spawnSync('nsenter', ipWords(host, ['neigh', 'flush', 'to', address]));
    }
    return address;
  }

  /** Ends what still runs in it, at once. */
  async close(): Promise<void> {
    const children = [...this.#running, ...this.#holders].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    await Promise.all(
      children.map((child) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        return exited;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #filter(host: NamespaceHost, rule: readonly string[]): void {
    filter(host, '--append', rule);
    this.#filters.push({ host, rule });
  }
}

/** A new namespace, and the pid of the process that holds it. */
async function hold(holders: ChildProcess[]): Promise<number> {
  const script = 'ip link set lo up && echo ready && exec cat';
  const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  holders.push(holder);
  await Promise.race([
    once(holder.stdout, 'data'),
    once(holder, 'exit').then(([code]) => {
      throw new Error(`A network namespace could not be made: unshare ended with ${code}.`);
    }),
  ]);
  if (holder.pid === undefined) throw new Error('A network namespace could not be made.');
  return holder.pid;
}

function attach(bridge: number, pid: number, number: number, name: string): NamespaceHost {
  const enter = enterOf(pid);
  const address = addressOf(number);
  const port = `port-${number}`;
  command(['ip', 'link', 'add', port, 'netns', `${bridge}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', `${pid}`]);
  command([...enterOf(bridge), 'ip', 'link', 'set', port, 'master', 'bridge', 'up']);
  command([...enter, 'ip', 'link', 'set', 'lo', 'up']);
  command([...enter, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
  command([...enter, 'ip', 'link', 'set', 'eth0', 'up']);
  return { name, address, enter };
}

function addressOf(number: number): string {
  return `${NETWORK}.${number}`;
}

/** `setpriv`: the program ends with the process that started it. */
function enterOf(pid: number): readonly string[] {
  return ['nsenter', `--net=/proc/${pid}/ns/net`, '--', 'setpriv', '--pdeathsig', 'KILL', '--'];
}

function ipWords({ enter }: NamespaceHost, words: readonly string[]): string[] {
  const added = ['dev', 'eth0'];
  return [...enter.slice(1), 'ip', ...words, ...added];
}

function filter(host: NamespaceHost, how: '--append' | '--delete', rule: readonly string[]): void {
  command([...host.enter, 'iptables', '--wait', how, ...rule]);
}

function command([program = '', ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program} cannot be run: ${error.message}`, { cause: error });
  if (status !== 0) throw new Error(`"${[program, ...args].join(' ')}" failed: ${stderr.trim()}`);
}
