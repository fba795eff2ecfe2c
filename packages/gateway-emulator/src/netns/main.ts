#!/usr/bin/env node
/**
 * Entry of `dso-gateway-netns`: a bot, unchanged, in a network namespace where Discord is an emulator. Exit code: the
 * bot's; 1 could not run, 2 called wrongly.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultToken } from '../core/token.js';
import { EmulatorError } from '../errors.js';
import { planNamespace } from './plan.js';
import { runInNamespace } from './run.js';

const help = `Usage: dso-gateway-netns [flags of dso-gateway] -- <command…>

Runs a command in a network namespace in which discord.com and gateway.discord.gg are dso-gateway, with TLS on port 443: for
libraries that ignore ports (seyfert), and for bots that shall not be changed at all. The bot trusts the emulator's certificate by
NODE_EXTRA_CA_CERTS. It finds the emulator's token in DISCORD_TOKEN; a token that is there already, or that --token names, is the
emulator's. Nothing but loopback can be reached from there.

Linux only, as root, with ip (iproute2). Called by sudo it runs the bot as the user who called.

Examples:
  $ sudo npx dso-gateway-netns --shards 2 --rate 10 -- node bot.js
  $ sudo ip netns exec dso-<pid> curl --cacert <file> https://127.0.0.1/ledger    from another terminal`;

const separator = process.argv.indexOf('--');
const flags = process.argv.slice(2, separator < 0 ? undefined : separator);
const command = separator < 0 ? [] : process.argv.slice(separator + 1);

if (flags.includes('--help') || flags.includes('-h')) {
  process.stdout.write(`${help}\n`);
} else if (command.length === 0) {
  process.stderr.write(`dso-gateway-netns: there is no command to run; put it behind "--".\n\n${help}\n`);
  process.exitCode = 2;
} else {
  process.exitCode = await run();
}

async function run(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'dso-gateway-netns-'));
  // The bot may be run as somebody else.
  chmodSync(folder, 0o755);
  const plan = planNamespace({
    name: `dso-${process.pid}`,
    flags,
    command,
    gateway: [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url))],
    env: process.env,
    caFile: join(folder, 'ca.pem'),
    defaultToken,
  });
  const untilStopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  });
  try {
    return await runInNamespace(plan, { out: (text) => process.stderr.write(text), untilStopped });
  } catch (error) {
    if (!(error instanceof EmulatorError)) throw error;
    process.stderr.write(`dso-gateway-netns: ${error.message}\n`);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
