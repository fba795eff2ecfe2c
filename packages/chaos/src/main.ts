/** `npm run chaos`: see --help. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { systemClock, systemRandom } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { inOwnNetwork, namespacesMissing, NOT_RUN_HERE } from '@dshard/testkit';
import type { ChaosRig, Inject } from './chaos-rig.js';
import { Course } from './course.js';
import { HOST_FAULT_ACTIONS } from './hosts/host-faults.js';
import { HostsRig } from './hosts/hosts-rig.js';
import { parseOptions, replayCommand, type ChaosOptions } from './options.js';
import { FAULT_ACTIONS } from './fault-actions.js';
import { isHostFault } from './fault-kinds.js';
import { Rig } from './rig.js';
import { judge, type Verdict, type VerdictInput } from './verdict.js';

const INTERRUPTED = 130;
const clock = systemClock();
const startedMs = clock.monotonicMs();

function say(text: string): void {
  const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds}s  ${text}\n`);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), systemRandom());
  if (process.platform !== 'linux') {
    process.stderr.write('npm run chaos needs Linux: it finds processes in /proc and stops them.\n');
    process.exitCode = 2;
    return;
  }
  if (options.hosts > 1 && (await ranElsewhere())) return;
  say(`seed ${options.seed}; again with: ${replayCommand(options)}`);
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => null);
  await using rig = options.hosts > 1 ? await HostsRig.start(clock, options) : await Rig.start(clock, options);
  const outcome = await Promise.race([runAndJudge(rig, options), interrupted]);
  if (outcome === null) {
    say('interrupted: everything is ended');
    process.exitCode = INTERRUPTED;
    return;
  }
  const { verdict, reasons } = outcome;
  if (!verdict.ok) tellFailure(reasons, rig, options);
  if (rig instanceof HostsRig) {
    if (verdict.ok) rmSync(rig.logFile, { force: true });
    else say(`all of the log is in ${rig.logFile}`);
  }
  process.stdout.write(options.json ? `${JSON.stringify(verdict)}\n` : words(verdict));
  process.exitCode = verdict.ok ? 0 : 1;
}

/** Hosts are made from a network of our own, in which this program is run once more. */
async function ranElsewhere(): Promise<boolean> {
  const missing = namespacesMissing();
  if (missing !== null) {
    process.stderr.write(`npm run chaos -- --hosts cannot be run here: ${missing}.\n`);
    process.exitCode = NOT_RUN_HERE;
    return true;
  }
  const code = await inOwnNetwork();
  if (code !== null) process.exitCode = code;
  return code !== null;
}

async function runAndJudge(rig: Rig | HostsRig, options: ChaosOptions): Promise<ReturnType<typeof judge>> {
  say(`${options.shards} shards run on ${rig.nodes} nodes`);
  const { windows, lost, operators, failures } = await new Course(rig, options, injector(rig), say).run();
  const { ledger, admin } = rig.emulator;
  // Before the end, which closes sessions for good, as it should.
  const judged = { ledger: ledger.verdict(), sessions: ledger.sessions() };
  const leftovers = await rig.endFleet();
  const { sockets } = admin.status();
  if (sockets > 0) leftovers.push(`${sockets} gateway connections were left`);
  if (rig instanceof Rig && rig.links.connections > 0)
    leftovers.push(`${rig.links.connections} control connections were left`);
  const { seed, minutes, shards, hosts } = options;
  return judge({
    seed,
    minutes,
    shards,
    ...judged,
    windows,
    repeats: rig.watch.repeats,
    lost,
    moves: operators.moves,
    failures: [...failures, ...leftovers],
    ...severalHosts(rig, hosts),
  });
}

function injector(rig: Rig | HostsRig): Inject {
  return async (name, random, told) => {
    if (rig instanceof HostsRig) {
      if (isHostFault(name)) await HOST_FAULT_ACTIONS[name]({ rig, random, say: told });
    } else if (!isHostFault(name)) await FAULT_ACTIONS[name]({ rig, random, say: told });
  };
}

function severalHosts(rig: Rig | HostsRig, hosts: number): Pick<VerdictInput, 'severalHosts'> {
  return rig instanceof HostsRig ? { severalHosts: { hosts, leaders: rig.leaders.figures } } : {};
}

function tellFailure(reasons: readonly string[], rig: ChaosRig, options: ChaosOptions): void {
  say('the last lines of orchestrators and nodes:');
  for (const line of rig.log) say(`    ${line}`);
  for (const reason of reasons) say(`✘ ${reason}`);
  say(`again with: ${replayCommand(options)}`);
}

function words({ ok, faults, moves, events, identifies, leaders }: Verdict): string {
  const done = Object.entries(faults).map(([name, count]) => `${count} × ${name}`);
  return [
    ok ? '✔ The verdict holds.' : '✘ The verdict does not hold.',
    `  Faults: ${done.join(', ')}; ${moves} planned operations were done meanwhile.`,
    `  Discord emitted ${events.emitted} events, the bot handled ${events.handled}: ${events.lost} lost,` +
      ` ${events.repeatedMarked} repeated and marked, ${events.repeatedUnmarked} repeated without the mark.`,
    `  ${identifies.used} IDENTIFYs (${identifies.needed} needed).`,
    ...(leaders === undefined
      ? []
      : [
          `  Leaders at one moment: ${leaders.most} at the most; ${leaders.changes} changes,` +
            ` ${leaders.longestWithoutMs} ms without one at the longest.`,
        ]),
    '',
  ].join('\n');
}

try {
  await main();
  // What was under way when the signal came is not waited for: there is nothing left that it could end.
  if (process.exitCode === INTERRUPTED) process.exit();
} catch (error) {
  say(`✘ ${messageOf(error)}`);
  process.exitCode = 1;
}
