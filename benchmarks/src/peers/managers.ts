/** How the bot is run: started, restarted whole for a deploy, ended. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DSO_PROGRAM, runDso } from '@dshard/demo';

export const MANAGERS = ['ShardingManager', 'discord-hybrid-sharding', 'dshardorchestrator'] as const;
export type ManagerName = (typeof MANAGERS)[number];

export type Run = { readonly folder: string; readonly shards: number; readonly environment: NodeJS.ProcessEnv };

export type RunningManager = {
  /** Resolves when the manager says that its restart is over. */
  restart(): Promise<void>;
  end(): Promise<void>;
};

const NODES = 2;
const BOT = fileURLToPath(new URL('bot.js', import.meta.url));
const MANAGER = fileURLToPath(new URL('manager.js', import.meta.url));

/** Resolves when the manager runs; shards may still be on their way. */
export function startManager(name: ManagerName, run: Run): Promise<RunningManager> {
  const environment = { ...run.environment, BENCH_MANAGER: name, BENCH_SHARDS: String(run.shards) };
  return name === 'dshardorchestrator' ? startOurs({ ...run, environment }) : startTheirs({ ...run, environment });
}

/** In a process group of its own: managers leave their children when they are killed. */
async function startTheirs({ folder, environment }: Run): Promise<RunningManager> {
  const child = fork(MANAGER, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await said(child, 'up').catch(async (error: unknown) => {
    await endGroup(child);
    throw error;
  });
  return {
    restart: async () => {
      child.send('restart');
      await said(child, 'restarted');
    },
    end: () => endGroup(child),
  };
}

async function startOurs({ folder, shards, environment }: Run): Promise<RunningManager> {
  const places = ['--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data-dir', folder];
  const size = ['--nodes', String(NODES), '--shards', String(shards)];
  const args = [DSO_PROGRAM, 'up', '--bot', BOT, ...size, ...places, '--json', '--log-level', 'error'];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { http } = JSON.parse(line) as { http: string };
  return {
    restart: async () => {
      // Without the watching of each stage, which the others do not have.
      await runDso(http, ['rollout', '--bake', '0', '--yes']);
    },
    end: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function said(child: ChildProcess, what: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.on('message', (message) => {
      if (message === what) resolve();
    });
    child.once('exit', (code) => reject(new Error(`The manager ended with ${code} before it said "${what}".`)));
  });
}

/** Also of a manager that has ended: its bots may live. */
async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const isGone = child.exitCode !== null || child.signalCode !== null;
  const gone = isGone ? Promise.resolve() : once(child, 'exit');
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  await gone;
}
