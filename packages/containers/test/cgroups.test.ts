import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { podmanCgroups, removeCgroups } from '../src/cgroups.js';

// Each run left empty folders on the machine, one in each hierarchy.
test('what podman leaves behind is removed, unless it was there before or is in use', () => {
  const root = mkdtempSync(join(tmpdir(), 'dso-cgroups-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const parent = (hierarchy: string): string => join(root, hierarchy, 'libpod_parent');
  mkdirSync(join(parent('cpu'), 'libpod-1'), { recursive: true });
  const before = podmanCgroups(root);
  mkdirSync(join(parent('pids'), 'libpod-2', 'inner'), { recursive: true });
  mkdirSync(join(parent('memory'), 'libpod-3'), { recursive: true });
  mkdirSync(join(root, 'libpod_parent'));
  // A plain folder that holds a file cannot be removed, as a group that holds a process cannot.
  writeFileSync(join(parent('memory'), 'libpod-3', 'in-use'), '');

  removeCgroups(before, root);
  expect(['cpu', 'pids', 'memory', '.'].map((each) => existsSync(parent(each)))).toEqual([true, false, true, false]);
});
