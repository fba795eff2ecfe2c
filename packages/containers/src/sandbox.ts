/**
 * Namespaces of our own, in which everything runs that makes containers: mounts, processes, and (for the fleet) the
 * network. Whatever was made in there is gone with its first process, which is killed with us: containers, networks,
 * mounts, rules of the packet filter. The machine's own podman, its storage and its configuration are never touched.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type Ran } from '@dshard/packaging';

const NAMESPACES = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const NETWORK = ['--net', '--uts', '--ipc'];
type Where = { cwd?: string; env?: Readonly<Record<string, string>> };

/** What podman forgets when its machine starts. */
const ENGINE = 'engine';
const STORAGE_RUN = 'storage-run';

export class Sandbox {
  readonly folder: string;
  /** Of everything that runs podman. */
  readonly env: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;

  /** @param folder where images, containers and volumes are kept, with everything else of this run. */
  constructor(folder: string, signal: AbortSignal) {
    this.folder = folder;
    this.#signal = signal;
    const containers = join(folder, 'containers.conf');
    const storage = join(folder, 'storage.conf');
    const registries = join(folder, 'registries.conf');
    writeFileSync(containers, containersConf(folder));
    writeFileSync(storage, storageConf(folder, 'overlay'));
    // No registry: an image that was not built here is an error, and never a download.
    writeFileSync(registries, 'unqualified-search-registries = []\nshort-name-mode = "permissive"\n');
    this.env = {
      ...process.env,
      CONTAINERS_CONF: containers,
      CONTAINERS_STORAGE_CONF: storage,
      CONTAINERS_REGISTRIES_CONF: registries,
      // In podman's own format an image has no HEALTHCHECK.
      BUILDAH_FORMAT: 'docker',
      // No systemd runs here that could look from time to time: the tours look themselves.
      DISABLE_HC_SYSTEMD: 'true',
    };
  }

  /** Where layers cannot be stacked (in a container, say), each is a copy. Throws with what podman said. */
  async chooseStorage(): Promise<'overlay' | 'vfs'> {
    for (const driver of ['overlay', 'vfs'] as const) {
      writeFileSync(join(this.folder, 'storage.conf'), storageConf(this.folder, driver));
      const { code, stderr } = await this.run(['podman', 'info']);
      if (code === 0) return driver;
      if (driver === 'vfs') throw new Error(`podman cannot run here: ${stderr.trim()}`);
    }
    return 'vfs';
  }

  /** With the machine's network, for what is fetched: Debian's packages. */
  run(command: readonly string[], { cwd, env = {} }: Where = {}): Promise<Ran> {
    return run('unshare', [...NAMESPACES, ...firstProcess(), ...command], {
      ...(cwd !== undefined && { cwd }),
      env: { ...this.env, ...env },
      signal: this.#signal,
      // unshare is deaf to SIGTERM while it has a child.
      killSignal: 'SIGKILL',
    });
  }

  /** The same; throws with what the program said, unless its exit code is 0. */
  async succeed(command: readonly string[], where: Where = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, where);
    if (code === 0) return stdout;
    throw new Error(`"${command.join(' ')}" ended with ${code}: ${lastLines(stderr)}\n${lastLines(stdout)}`);
  }

  /**
   * With a network of its own, and nothing in it yet. Returns what begins the command. To podman that is a machine that
   * was started anew: what ran before runs no more.
   */
  enter(): readonly string[] {
    for (const each of [ENGINE, STORAGE_RUN]) rmSync(join(this.folder, each), { recursive: true, force: true });
    return ['unshare', ...NAMESPACES, ...NETWORK, ...firstProcess()];
  }
}

/** What its children leave behind has to be reaped: podman waits for conmon. */
function firstProcess(): readonly string[] {
  return ['catatonit', '--'];
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-25).join('\n');
}

/** crun and the ulimits that podman wants are refused on some machines. */
function containersConf(folder: string): string {
  const networks = join(folder, 'networks');
  mkdirSync(networks, { recursive: true });
  return `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "${join(folder, ENGINE)}"
[network]
network_backend = "netavark"
network_config_dir = "${networks}"
`;
}

function storageConf(folder: string, driver: 'overlay' | 'vfs'): string {
  return `[storage]
driver = "${driver}"
graphroot = "${join(folder, `storage-${driver}`)}"
runroot = "${join(folder, STORAGE_RUN)}"
`;
}
