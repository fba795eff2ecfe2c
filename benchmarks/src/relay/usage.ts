/** A process of the benchmark says what it took since it was asked last. */
import type { Saying } from './messages.js';

export function answerUsage(): void {
  let last = process.cpuUsage();
  process.on('message', (order: { do: string }) => {
    if (order.do !== 'usage') return;
    const cpu = process.cpuUsage();
    const cpuMs = (cpu.user - last.user + cpu.system - last.system) / 1_000;
    last = cpu;
    const saying: Saying = { kind: 'usage', cpuMs, peakRssMb: process.resourceUsage().maxRSS / 1_024 };
    process.send?.(saying);
  });
}
