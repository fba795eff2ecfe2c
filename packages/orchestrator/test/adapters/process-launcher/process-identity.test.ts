import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { seededRandom, virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { identityOf, livenessOf, ownIdentity } from '../../../src/adapters/process-launcher/process-identity.js';

const own = ownIdentity(seededRandom(1), virtualClock());
const leader = { ...own, leaseUntil: 0 };

test('a leader on this machine is known to live, or to have ended, whatever process has its number now', async () => {
  expect(livenessOf(leader)).toBe('alive');
  const child = spawn('true');
  const { pid = 0 } = child;
  const { startTime } = identityOf(pid);
  await once(child, 'exit');
  const { machine } = own.process as { machine: string };
  expect(livenessOf({ ...leader, pid, process: { machine, startTime: startTime ?? '0' } })).toBe('dead');
  expect(livenessOf({ ...leader, process: { machine, startTime: '1' } })).toBe('dead');
});

test('what this machine ran before it was restarted has ended, what another one runs is not known', () => {
  expect(livenessOf({ ...leader, boot: 'an earlier one' })).toBe('dead');
  expect(livenessOf({ ...leader, boot: 'theirs', host: `not-${hostname()}`, process: null })).toBe('unknown');
  expect(livenessOf({ ...leader, boot: null, process: null })).toBe('unknown');
});

test('whoever runs on one machine names the same boot', () => {
  expect(own.boot).toMatch(/^[0-9a-f-]{36}/);
  expect(ownIdentity(seededRandom(2), virtualClock())).toMatchObject({ boot: own.boot, host: own.host });
});
