/** What `npm run containers` needs of the machine: programs, and what only root may do. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** By Debian's package. podman-compose 1.0 asks for `podman` itself; catatonit is the first process of the sandbox. */
const PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['podman', 'podman'],
  ['runc', 'runc'],
  ['podman-compose', 'podman-compose'],
  ['catatonit', 'catatonit'],
  ['debootstrap', 'debootstrap'],
  ['ip', 'iproute2'],
  ['iptables', 'iptables'],
];
/** Podman's own programs are in no PATH. */
const HELPERS: readonly (readonly [path: string, debianPackage: string])[] = [
  ['/usr/lib/podman/netavark', 'netavark'],
  ['/usr/lib/podman/aardvark-dns', 'aardvark-dns'],
];

/** `packages`: of Debian, to be installed. `privileges`: what this process may not do, a sentence each. */
export type Lacking = { readonly packages: readonly string[]; readonly privileges: readonly string[] };

export function whatIsLacking(path: string = process.env['PATH'] ?? ''): Lacking {
  const folders = path.split(':');
  const packages = [
    ...PROGRAMS.filter(([program]) => !folders.some((folder) => existsSync(join(folder, program)))),
    ...HELPERS.filter(([file]) => !existsSync(file)),
  ].map(([, debianPackage]) => debianPackage);
  if (process.platform !== 'linux') return { packages: [], privileges: ['containers run on Linux'] };
  if (process.getuid?.() !== 0) return { packages, privileges: ['only root may make namespaces and mounts here'] };
  return { packages, privileges: packages.length > 0 ? [] : privileges() };
}

export function installLine(packages: readonly string[]): string {
  return `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** Each is tried, because capabilities, seccomp and a read-only /proc say no in different ways. */
function privileges(): readonly string[] {
  const tries: readonly (readonly [what: string, ...command: string[]])[] = [
    [
      'a mount namespace with mounts of its own (CAP_SYS_ADMIN)',
      'unshare',
      '--mount',
      'mount',
      '-t',
      'tmpfs',
      'x',
      '/mnt',
    ],
    ['a network namespace (CAP_NET_ADMIN)', 'unshare', '--net', 'ip', 'link', 'set', 'lo', 'up'],
    ['packet filters in it (nf_tables)', 'unshare', '--net', 'iptables', '-t', 'nat', '-L', '-n'],
    ['a bridge in it', 'unshare', '--net', 'ip', 'link', 'add', 'dso0', 'type', 'bridge'],
    ['processes of its own (CAP_SYS_ADMIN)', 'unshare', '--mount', '--pid', '--fork', '--mount-proc', 'true'],
    [
      'cgroups that can be written',
      'sh',
      '-c',
      'for d in /sys/fs/cgroup /sys/fs/cgroup/pids; do [ -w "$d" ] && exit 0; done; exit 1',
    ],
  ];
  return tries.flatMap(([what, program = '', ...args]) => {
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
    return status === 0 ? [] : [`${what}: ${error?.message ?? (stderr.trim() || `${program} ended with ${status}`)}`];
  });
}
