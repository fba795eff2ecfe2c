/** `npm run chaos`: see --help. */
import { once } from 'node:events';
import { systemClock, systemRandom } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { Course } from './course.js';
import { parseOptions, replayCommand, type ChaosOptions } from './options.js';
import { Rig } from './rig.js';
import { judge, type Verdict } from './verdict.js';

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
  say(`seed ${options.seed}; again with: ${replayCommand(options)}`);
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => null);
  await using rig = await Rig.start(clock, options);
  const outcome = await Promise.race([runAndJudge(rig, options), interrupted]);
  if (outcome === null) {
    say('interrupted: everything is ended');
    process.exitCode = INTERRUPTED;
    return;
  }
  const { verdict, reasons } = outcome;
  if (!verdict.ok) tellFailure(reasons, rig, options);
  process.stdout.write(options.json ? `${JSON.stringify(verdict)}\n` : words(verdict));
  process.exitCode = verdict.ok ? 0 : 1;
}

async function runAndJudge(rig: Rig, options: ChaosOptions): Promise<ReturnType<typeof judge>> {
  say(`${options.shards} shards run on three nodes`);
  const { windows, lost, operators, failures } = await new Course(rig, options, say).run();
  const { ledger, admin } = rig.emulator;
  // Before the end, which closes sessions for good, as it should.
  const judged = { ledger: ledger.verdict(), sessions: ledger.sessions() };
  const leftovers = await rig.endFleet();
  const { sockets } = admin.status();
  if (sockets > 0) leftovers.push(`${sockets} gateway connections were left`);
  if (rig.links.connections > 0) leftovers.push(`${rig.links.connections} control connections were left`);
  const { seed, minutes, shards } = options;
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
  });
}

function tellFailure(reasons: readonly string[], rig: Rig, options: ChaosOptions): void {
  say('the last lines of the orchestrator and its nodes:');
  for (const line of rig.log) say(`    ${line}`);
  for (const reason of reasons) say(`✘ ${reason}`);
  say(`again with: ${replayCommand(options)}`);
}

function words({ ok, faults, moves, events, identifies }: Verdict): string {
  const done = Object.entries(faults).map(([name, count]) => `${count} × ${name}`);
  return [
    ok ? '✔ The verdict holds.' : '✘ The verdict does not hold.',
    `  Faults: ${done.join(', ')}; ${moves} planned operations were done meanwhile.`,
    `  Discord emitted ${events.emitted} events, the bot handled ${events.handled}: ${events.lost} lost,` +
      ` ${events.repeatedMarked} repeated and marked, ${events.repeatedUnmarked} repeated without the mark.`,
    `  ${identifies.used} IDENTIFYs (${identifies.needed} needed).`,
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
