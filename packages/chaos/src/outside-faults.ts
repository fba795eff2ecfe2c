/** Faults that come from outside of the fleet: clocks that are set, strangers, a second process, Discord itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { waitFor } from '@dshard/demo';
import { delay } from '@dshard/transport';
import { aBusyNode, killOrchestrator, type Fault } from './faults.js';
import { BEYOND_TIMEOUTS_MS } from './rig.js';

const HOUR_S = 3_600;
const OUTAGE_MS = 20_000;
/** The longest pause between two attempts to connect, and some. */
const BACK_WITHIN_MS = 60_000;
/** How long a second process is given to be refused. */
const REFUSED_WITHIN_MS = 10_000;
const STRANGERS = 40;

export const clockStep: Fault = async (context) => {
  const { rig, random, say } = context;
  const { clocks } = rig;
  if (clocks === null) throw new Error('There is no clock that can be set.');
  const whose = (['orchestrator', 'nodes', 'all'] as const)[Math.floor(random.next() * 3)] ?? 'all';
  const aheadS = random.next() < 0.5 ? HOUR_S : -HOUR_S;
  const restarts = random.next() < 0.5;
  const set = (seconds: number): void => {
    if (whose !== 'nodes') clocks.orchestrator.set(seconds);
    if (whose !== 'orchestrator') clocks.nodes.set(seconds);
  };
  const who = whose === 'all' ? 'orchestrator and nodes' : whose;
  say(`the clock of ${who} is set ${aheadS > 0 ? 'forward' : 'back'} by an hour${restarts ? ', then a restart' : ''}`);
  set(aheadS);
  try {
    if (restarts) await killOrchestrator(context);
    await delay(rig.clock, BEYOND_TIMEOUTS_MS);
  } finally {
    set(0);
    say('the clock is put right');
  }
  await delay(rig.clock, BEYOND_TIMEOUTS_MS);
};

export const twoProcessesOneId: Fault = async (context) => {
  const { rig, say } = context;
  const { id, pid } = await aBusyNode(context);
  say(`a second process says that it is ${id}`);
  const [program = process.execPath, ...args] = wordsOf(pid, 'cmdline');
  const env = Object.fromEntries(wordsOf(pid, 'environ').map((line) => splitOnce(line)));
  const [newest] = (await rig.fleet.client.events(0)).slice(-1);
  const second = spawn(program, args, { env, stdio: 'ignore' });
  const ended = once(second, 'exit');
  try {
    let outcome = '';
    await waitFor(rig.clock, 'the second process to be refused', REFUSED_WITHIN_MS, async () => {
      const entries = await rig.fleet.client.events(newest?.id ?? 0);
      const isSaid = (what: string): boolean =>
        entries.some(({ name, fields }) => name === what && fields['node'] === id);
      if (isSaid('nodeRefused')) outcome = 'is refused, by name';
      // A move of the whole node may have drained it in the meantime, and then the id is free.
      else if (isSaid('nodeShutdown')) outcome = 'came too late';
      return outcome !== '';
    });
    say(`the second process ${outcome}; it goes`);
  } finally {
    // Had the first one been replaced by then, the id would be free, and the second would have shards to give away.
    second.kill('SIGTERM');
    await ended;
  }
};

export const stranger: Fault = async ({ rig, random, say }) => {
  say(`${STRANGERS} strangers connect to the node port: silent, with noise, with half a frame, as if it were HTTP`);
  const [, port] = rig.fleet.nodeAddress.split(':');
  const sockets: Socket[] = [];
  try {
    for (let each = 0; each < STRANGERS; each += 1) {
      const socket = connect(Number(port), '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      const noise = Uint8Array.from({ length: 1 + Math.floor(random.next() * 4_096) }, () => random.next() * 256);
      const said = [null, noise, Buffer.from([0, 0, 1, 0, 0, 0, 9, 1]), 'GET / HTTP/1.1\r\nHost: here\r\n\r\n'][
        each % 4
      ];
      if (said !== null && said !== undefined) socket.write(said);
      await delay(rig.clock, Math.floor(random.next() * 50));
    }
    await delay(rig.clock, 2_000);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
};

export const discordOutage: Fault = async ({ rig, say }) => {
  const { admin } = rig.emulator;
  say(`Discord's gateway is away for ${OUTAGE_MS / 1_000} s: every connection is cut, and none comes about`);
  await admin.takeGatewayAway({ how: 'hang-up' });
  try {
    await delay(rig.clock, OUTAGE_MS);
  } finally {
    await admin.bringGatewayBack();
    say("Discord's gateway is back");
  }
  await waitFor(rig.clock, 'all shards to resume', BACK_WITHIN_MS, () => rig.attached() === rig.shards);
};

function wordsOf(pid: number, file: 'cmdline' | 'environ'): string[] {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').filter(Boolean);
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}
