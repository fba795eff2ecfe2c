/** The orchestrator of the bot, in a process of its own. */
import { systemClock } from '@dshard/transport';
import { startBenchOrchestrator, type BenchOrchestrator } from '../orchestrator.js';
import { orderVariable } from '../processes.js';

const order = JSON.parse(process.env[orderVariable] ?? '{}') as BenchOrchestrator;
const { address } = await startBenchOrchestrator(order, systemClock());
process.send?.({ address });
