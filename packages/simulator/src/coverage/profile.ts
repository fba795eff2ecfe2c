/** V8's own count of what ran in this thread. To be begun before the modules in question are loaded. */
import { Session, type Profiler } from 'node:inspector/promises';
import { machineOf } from './machines.js';

export type Profile = readonly Profiler.ScriptCoverage[];

const session = new Session();

export async function startProfile(): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
}

/** Of the pure machines only. */
export async function takeProfile(): Promise<Profile> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result.filter(({ url }) => machineOf(url) !== null);
}
