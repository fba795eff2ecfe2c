/** Folders of control groups: no namespace takes them along, so what podman leaves behind is removed here. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** Of podman's cgroup manager `cgroupfs`. */
const PARENT = 'libpod_parent';

/** Below the one hierarchy of version 2, or below each of version 1. */
export function podmanCgroups(root: string = ROOT): ReadonlySet<string> {
  const hierarchies = [root, ...foldersIn(root).map((name) => join(root, name))];
  return new Set(hierarchies.map((folder) => join(folder, PARENT)).filter((folder) => existsSync(folder)));
}

/** Those that were not there before. One in which something runs stays: it is somebody else's. */
export function removeCgroups(before: ReadonlySet<string>, root: string = ROOT): void {
  for (const folder of podmanCgroups(root)) if (!before.has(folder)) removeEmpty(folder);
}

/** A folder of a control group has files that cannot be removed, and goes with them. */
function removeEmpty(folder: string): void {
  for (const name of foldersIn(folder)) removeEmpty(join(folder, name));
  try {
    rmdirSync(folder);
  } catch {
    // In use.
  }
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
