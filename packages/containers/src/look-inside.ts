/** What is to be true in the container of a bot, whoever runs it. */
import type { Engine } from './engine.js';

/** Leaves an orphan behind, which ends at once; nobody but process 1 can reap it. Prints the zombies there are then. */
const ORPHANS = `
const { spawnSync } = require('node:child_process');
const { readdirSync, readFileSync } = require('node:fs');
spawnSync('sh', ['-c', '(sleep 0.1 &) ; exit 0']);
setTimeout(() => {
  const states = readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).map((pid) => {
    try { return readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1][0]; } catch { return ''; }
  });
  console.log(states.filter((state) => state === 'Z').length);
}, 1000);`;

/** A sentence for each thing that is not so. */
export async function lookInside(engine: Engine, container: string, version: string): Promise<readonly string[]> {
  const inside = async (...command: readonly string[]): Promise<string> =>
    (await engine.inside(container, ...command)).trim();
  const failsInside = async (...command: readonly string[]): Promise<boolean> =>
    (await engine.tryPodman('exec', container, ...command)).code !== 0;
  const [first, user, zombies, told] = [
    await inside('cat', '/proc/1/comm'),
    await inside('id', '-un'),
    await inside('node', '-e', ORPHANS),
    await inside('printenv', 'DSO_VERSION'),
  ];
  return [
    first !== 'tini' && `${container}: its process 1 is ${first}, and not tini`,
    user !== 'node' && `${container} runs as ${user}, and not as node`,
    zombies !== '0' && `${container}: ${zombies} zombies are not reaped`,
    told !== version && `${container} says that its version is ${told}, and not ${version}`,
    !(await failsInside('touch', '/app/written')) && `${container}: its root file system can be written`,
    (await failsInside('touch', '/tmp/written')) && `${container}: /tmp cannot be written`,
    !(await failsInside('test', '-e', '/app/node_modules/picocolors')) && `${container} has development dependencies`,
    !(await failsInside('test', '-e', '/app/.env')) && `${container} has the file .env`,
    (await failsInside('test', '-e', '/app/node_modules/discord.js')) && `${container} has no discord.js`,
  ].filter((finding) => finding !== false);
}

/** Runs the HEALTHCHECK of its image, as an engine does from time to time. A sentence for each that is not healthy. */
export async function lookHealthy(engine: Engine, containers: readonly string[]): Promise<readonly string[]> {
  const findings: string[] = [];
  for (const container of containers) {
    const { code, stdout, stderr } = await engine.tryPodman('healthcheck', 'run', container);
    const status = (await engine.podman('inspect', '--format', '{{.State.Health.Status}}', container)).trim();
    if (code === 0 && status === 'healthy') continue;
    findings.push(`the health check of ${container} ended with ${code}, ${status}: ${(stderr || stdout).trim()}`);
  }
  return findings;
}
