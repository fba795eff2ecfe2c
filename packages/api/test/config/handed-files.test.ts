import { expect, test } from 'vitest';
import { isHandedOver, isOnReadOnlyMount } from '../../src/config/handed-files.js';

const MOUNTS = `22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:21 / /run rw,nosuid - tmpfs tmpfs rw
24 22 0:40 / /etc/dso ro,relatime - tmpfs tmpfs rw
25 24 0:41 / /etc/dso/own rw,relatime - tmpfs tmpfs rw
26 22 8:1 /token /etc/with\\040space/token ro - ext4 /dev/sda1 rw
`;

test.each([
  ['/etc/dso/token', true],
  ['/etc/dso-other/token', false],
  ['/etc/dso/own/token', false],
  ['/etc/with space/token', true],
  ['/etc/token', false],
])('%s is on a read-only mount: %s', (path, isOne) => {
  expect(isOnReadOnlyMount(path, MOUNTS)).toBe(isOne);
});

// A service with ProtectSystem=strict sees all of the machine read-only: a token that all may read was not told of.
test('a root file system that is read-only says nothing of the files on it', () => {
  expect(isOnReadOnlyMount('/etc/token', '22 1 8:1 / / ro,relatime - ext4 /dev/sda1 rw\n')).toBe(false);
});

test('a mount over another one is the one that is seen', () => {
  const twice = '24 22 0:40 / /etc/dso ro - tmpfs x rw\n27 24 0:42 / /etc/dso rw - tmpfs x rw\n';
  expect(isOnReadOnlyMount('/etc/dso/token', twice)).toBe(false);
});

test('a file of this folder is the user’s own', () => {
  expect(isHandedOver(import.meta.filename)).toBe(false);
});
