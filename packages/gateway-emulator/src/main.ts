#!/usr/bin/env node
/** Entry of `dso-gateway`. The first SIGINT or SIGTERM stops it in order, the second at once. */
import { runProgram } from './program.js';

const signals = ['SIGINT', 'SIGTERM'] as const;

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

// Nobody has to read what it prints: `dso-gateway | head` goes on serving.
process.stdout.on('error', () => undefined);

process.exitCode = await runProgram(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  untilStopped,
});
// The signal listeners would keep nothing alive, but a stuck socket must not either.
process.exit();
