/** The emulator under test, in a process of its own. */
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { systemClock } from '@dshard/transport';
import type { ServerOrder, ServerSaying } from './messages.js';
import { orderVariable } from '../processes.js';

const { shards, guilds } = JSON.parse(process.env[orderVariable] ?? '{}') as { shards: number; guilds: number };
const clock = systemClock();
const gateway = await startGatewayEmulator({
  shards,
  guilds,
  maxConcurrency: shards,
  sessionStartLimit: 10 * shards,
  replayBuffer: 'by-guilds',
});

const say = (saying: ServerSaying): void => void process.send?.(saying);
let last = { made: 0, at: clock.monotonicMs(), cpu: process.cpuUsage() };

process.on('message', (order: ServerOrder) => {
  switch (order.do) {
    case 'rate':
      if (order.rate === 0) gateway.traffic.stop();
      else gateway.traffic.start(order.rate);
      break;
    case 'read': {
      const cpu = process.cpuUsage();
      const at = clock.monotonicMs();
      const { made } = gateway.traffic;
      const cpuMs = (cpu.user - last.cpu.user + cpu.system - last.cpu.system) / 1000;
      const kernelMs = (cpu.system - last.cpu.system) / 1000;
      const rssMb = Math.round(process.memoryUsage.rss() / 1_048_576);
      say({ kind: 'reading', reading: { made: made - last.made, ms: at - last.at, cpuMs, kernelMs, rssMb } });
      last = { made, at, cpu };
      break;
    }
    case 'stop':
      void gateway.close().then(() => process.disconnect());
      break;
  }
});
say({ kind: 'listening', url: gateway.url, token: gateway.token });
