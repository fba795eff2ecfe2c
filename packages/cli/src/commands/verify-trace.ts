/** `dso verify-trace`: the checks of the simulator over an exported event history. Asks no orchestrator. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { traceEntry, TraceChecks, type Durations, type TraceEntry, type TraceReport } from '@dshard/api/trace';
import type { Command } from 'commander';
import { counted, messageOf, printableDocument } from '@dshard/protocol';
import { CliError } from '../errors.js';
import { examplesHelp } from '../run-command.js';

/** Longer than any line `dso events` prints: a whole history as one JSON array. */
const MAX_LINE_CHARACTERS = 256 * 1024 * 1024;
const SHOWN = 20;

export function addVerifyTrace(program: Command): void {
  program
    .command('verify-trace')
    .description('check an exported event history against the invariants of migrations')
    .argument('<file>', 'what `dso events --json` printed: a JSON array or one event per line; - is standard input')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examplesHelp([
        'dso events --after 0 --json > trace.json',
        'dso verify-trace trace.json',
        'dso verify-trace - < trace.json',
      ]),
    )
    .action(async (file: string, options: { json?: boolean }) => {
      const checks = new TraceChecks();
      await readEntries(file, (entry) => checks.see(entry));
      const report = checks.finish();
      const ok = report.violations.length === 0;
      process.stdout.write(options.json === true ? `${JSON.stringify({ ok, ...report })}\n` : `${textOf(report)}\n`);
      if (!ok) process.exitCode = 1;
    });
}

/** @throws CliError `DSO_CLI_TRACE_UNREADABLE`, which names the line. */
async function readEntries(file: string, see: (entry: TraceEntry) => void): Promise<void> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      line += 1;
      if (text.trim() === '') continue;
      if (text.length > MAX_LINE_CHARACTERS) throw new Error('is longer than any history');
      const value = printableDocument(parsed(text));
      const entries = Array.isArray(value) ? value : [value];
      for (const [index, entry] of entries.entries()) see(read(entry, Array.isArray(value) ? index : null));
    }
  } catch (cause) {
    const reason = messageOf(cause);
    const where = line === 0 ? '' : `, line ${line}`;
    throw unreadable(`${file}${where}: ${reason}.`, cause);
  }
  if (line === 0) throw unreadable(`${file} is empty.`);
}

function read(value: unknown, index: number | null): TraceEntry {
  try {
    return traceEntry(value);
  } catch (cause) {
    throw new Error(`${index === null ? 'the entry' : `entry ${index}`} ${(cause as Error).message}`, { cause });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('is no JSON', { cause });
  }
}

function unreadable(what: string, cause?: unknown): CliError {
  return new CliError(
    'DSO_CLI_TRACE_UNREADABLE',
    `The trace cannot be read: ${what} Export one with \`dso events --after 0 --json > trace.json\`.`,
    { cause },
  );
}

function textOf(report: TraceReport): string {
  const { entries, from, to, starts, gaps, moves, movesFailed, losses, identifies, open, violations } = report;
  const span = from === null || to === null ? '' : `, ${time(from)} to ${time(to)}`;
  return [
    `${counted(entries, 'event')}${span}; ${counted(starts, 'start')} of an orchestrator.`,
    ...(gaps === 0
      ? []
      : [`Events are missing in ${counted(gaps, 'place')}; what was known before each was forgotten there.`]),
    `Moved: ${counted(moves.count, 'shard')}${durations('frozen for', moves)}; ${counted(movesFailed, 'migration')} aborted.`,
    `Resumed after a node's death: ${counted(losses.count, 'shard')}${durations('nobody’s for', losses)}.`,
    `Permits to IDENTIFY: ${identifies.granted}, at most ${identifies.mostInADay} in a day.`,
    ...(open.length === 0 ? [] : [`Still under way at the end: ${open.slice(0, SHOWN).join(', ')}.`]),
    violations.length === 0 ? 'All invariants hold.' : `${counted(violations.length, 'violation')}:`,
    ...violations
      .slice(0, SHOWN)
      .map(({ invariant, id, at, text }) => `  invariant ${invariant}, event ${id}, ${time(at)}: ${text}`),
    ...(violations.length > SHOWN ? [`  … and ${violations.length - SHOWN} more (--json shows all)`] : []),
  ].join('\n');
}

function durations(what: string, { count, p50, p99, max }: Durations): string {
  return count === 0 ? '' : `, ${what} ${p50} ms (p50), ${p99} ms (p99), ${max} ms at most`;
}

function time(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}
