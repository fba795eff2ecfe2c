/**
 * The figures of the real process that nodes report in heartbeats stand still: they differ between two runs of a seed, and asking the
 * system for them is the most expensive thing a simulated node does. For the programs only; a test runner is left alone.
 */
export function stillFigures(): void {
  process.cpuUsage = () => ({ user: 0, system: 0 });
  process.memoryUsage.rss = () => 0;
}
