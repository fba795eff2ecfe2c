import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';

/** The units of deploy/systemd: as systemd reads them, and the stop that they describe, played with real processes. */
const FOLDER = fileURLToPath(new URL('../../../deploy/systemd/', import.meta.url));
const UNITS = ['dso-orchestrator.service', 'dso-node@.service'];
const HAS_SYSTEMD = spawnSync('systemd-analyze', ['--version']).status === 0;
const LACKING = 'systemd-analyze is missing, so nobody reads the units: apt-get install -y systemd';

/** Skipped on a machine without systemd, loudly; CI has to have it. */
function needsSystemd(skip: (note: string) => never): void {
  if (HAS_SYSTEMD) return;
  if (process.env['CI'] !== undefined) throw new Error(LACKING);
  process.stderr.write(`${LACKING}\n`);
  skip(LACKING);
}

function settingsOf(unit: string): ReadonlyMap<string, string> {
  const lines = readFileSync(join(FOLDER, unit), 'utf8').split('\n');
  return new Map(
    lines.flatMap((line) => {
      const match = /^(?<key>[A-Z]\w+)=(?<value>.*)$/.exec(line);
      return match?.groups === undefined ? [] : [[match.groups['key']!, match.groups['value']!] as const];
    }),
  );
}

/** What systemd does at `systemctl stop`, for the kill modes that the units have. Resolves with the exit code. */
async function stop(main: ChildProcess, settings: ReadonlyMap<string, string>): Promise<number | null> {
  const exited = once(main, 'exit');
  main.kill(settings.get('KillSignal') as NodeJS.Signals);
  const [code] = (await exited) as [number | null];
  // The rest of the control group: with `mixed` it is killed now, with `process` it is left alone.
  if (settings.get('KillMode') === 'mixed') process.kill(-main.pid!, 'SIGKILL');
  return code;
}

/** A main process with a child that is deaf to SIGTERM, in one group, as in one control group. */
async function startWithChild(listens: string): Promise<{ main: ChildProcess; child: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'dso-units-'));
  const script = join(folder, 'main.cjs');
  const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)";
  writeFileSync(
    script,
    `const { spawn } = require('node:child_process');
     const child = spawn(process.execPath, ['-e', ${JSON.stringify(deaf)}]);
     process.on('${listens}', () => process.exit(0));
     setInterval(() => {}, 1000);
     console.log(child.pid);`,
  );
  const main = spawn(process.execPath, [script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => {
    for (const pid of [-main.pid!, main.pid!]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const [said] = (await once(main.stdout, 'data')) as [Buffer];
  return { main, child: Number(said.toString()) };
}

/** A process that nobody has reaped yet runs no more. */
function runs(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return false;
  return !/\) [ZX] /.test(readFileSync(stat, 'utf8'));
}

describe('the units of deploy/systemd', () => {
  test('systemd finds no fault in them', ({ skip }) => {
    needsSystemd(skip);
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', '--recursive-errors=no', ...UNITS.map((unit) => join(FOLDER, unit))],
      { encoding: 'utf8' },
    );
    expect({ status, complaints: stderr.split('\n').filter((line) => line.includes('dso-')) }).toEqual({
      status: 0,
      complaints: [],
    });
  });

  test('a fault in a unit is found by systemd', ({ skip }) => {
    needsSystemd(skip);
    const folder = mkdtempSync(join(tmpdir(), 'dso-units-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const broken = readFileSync(join(FOLDER, UNITS[0]!), 'utf8').replace('KillSignal=SIGHUP', 'KillSignal=SIGHANGUP');
    writeFileSync(join(folder, 'dso-broken.service'), broken);
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, 'dso-broken.service')], {
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/KillSignal|SIGHANGUP|signal/i);
  });

  test('a node has more time to leave than it takes', () => {
    const node = settingsOf('dso-node@.service');
    const deadline = /DSO_LEAVE_DEADLINE=(?<seconds>\d+)s/.exec(node.get('Environment')!)!.groups!['seconds'];
    expect(Number(deadline)).toBeLessThan(Number(node.get('TimeoutStopSec')));
  });

  test('the orchestrator of a machine is stopped after its nodes: what starts after it is stopped before it', () => {
    expect(settingsOf('dso-node@.service').get('After')).toContain('dso-orchestrator.service');
  });

  test('a node hears SIGTERM alone, ends by itself, and what its children leave behind is killed', async () => {
    const { main, child } = await startWithChild('SIGTERM');
    const code = await stop(main, settingsOf('dso-node@.service'));
    expect(code).toBe(0);
    await until(() => !runs(child), { what: 'the child to be killed' });
  });

  test('the orchestrator hears SIGHUP, and nodes that it has launched run on', async () => {
    const { main, child } = await startWithChild('SIGHUP');
    const code = await stop(main, settingsOf('dso-orchestrator.service'));
    expect(code).toBe(0);
    expect(runs(child)).toBe(true);
  });
});
