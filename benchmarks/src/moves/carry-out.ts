import { Peer } from '../processes.js';
import type { RunOrder, RunReading } from './messages.js';

/** A run in a process of its own, which ends with the run. */
export async function carryOut(order: RunOrder): Promise<RunReading> {
  const run = new Peer<object, RunReading>(new URL('./run.js', import.meta.url), order);
  const reading = await run.hear();
  await run.ended();
  return reading;
}
