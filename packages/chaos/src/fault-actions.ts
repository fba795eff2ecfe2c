/** How each fault is done. */
import type { OneHostFault } from './fault-kinds.js';
import { INSIDE_FAULTS, type Fault } from './faults.js';
import { clockStep, discordOutage, stranger, twoProcessesOneId } from './outside-faults.js';

export const FAULT_ACTIONS: Readonly<Record<OneHostFault, Fault>> = {
  ...INSIDE_FAULTS,
  'clock-step': clockStep,
  'two-processes-one-id': twoProcessesOneId,
  stranger,
  'discord-outage': discordOutage,
};
