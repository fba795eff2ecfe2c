/** Files that a container engine, Kubernetes or systemd hands over: their rights are not the user's to choose. */
import { readFileSync, realpathSync } from 'node:fs';

/** Where Compose, Podman and systemd put them. */
const PLACES = ['/run/secrets/', '/var/run/secrets/', '/run/credentials/'];

export function isHandedOver(path: string): boolean {
  const real = realpathSync(path);
  return PLACES.some((place) => real.startsWith(place)) || isOnReadOnlyMount(real, mounts());
}

/**
 * A Secret of Kubernetes is a read-only mount wherever the pod wants it. The root file system does not count: systemd's
 * ProtectSystem and `read_only` of a container make it read-only, with whatever lies in it.
 *
 * @param mountinfo as in /proc/self/mountinfo: of mounts on one place the last one is seen
 */
export function isOnReadOnlyMount(path: string, mountinfo: string): boolean {
  let place = '/';
  let isReadOnly = false;
  for (const line of mountinfo.split('\n')) {
    const [, , , , written, options] = line.split(' ');
    if (written === undefined || options === undefined || written === '/') continue;
    const mounted = written.replace(/\\(?<code>[0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(parseInt(code, 8)),
    );
    const holdsPath = path === mounted || path.startsWith(`${mounted}/`);
    if (!holdsPath || mounted.length < place.length) continue;
    place = mounted;
    isReadOnly = options.split(',').includes('ro');
  }
  return isReadOnly;
}

/** Empty where the system has no such list. */
function mounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}
