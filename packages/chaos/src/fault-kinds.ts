/**
 * The faults there are, and what each may cost. None may cost an event. `mayRepeat`: events may come again, marked, because a node
 * was lost, or was taken for lost. `mayDoubleAttach`: the other node resumes a session while the lost one still holds it, which
 * is what Discord sees when a process stands still. `finishesLate`: a process that was stopped in the middle of an event's handler ends it
 * when it wakes, whoever has the shard by then, and nobody can mark that (decision 006): one event at the most, as handlers do not wait here.
 */
export type FaultCost = { mayRepeat: boolean; mayDoubleAttach: boolean; finishesLate: boolean };

const FREE: FaultCost = { mayRepeat: false, mayDoubleAttach: false, finishesLate: false };
const NODE_DIES: FaultCost = { ...FREE, mayRepeat: true };
const NODE_IS_SILENT: FaultCost = { ...NODE_DIES, mayDoubleAttach: true };

export type FaultName =
  | 'node-kill'
  | 'node-kill-in-move'
  | 'node-pause'
  | 'orchestrator-kill'
  | 'orchestrator-kill-in-move'
  | 'orchestrator-pause'
  | 'link-reset'
  | 'link-half-open'
  | 'all-links-half-open'
  | 'gateway-reset'
  | 'gateway-reconnect'
  | 'gateway-invalid-resumable'
  | 'dead-resume-url'
  | 'full-disk';

export const FAULTS: Readonly<Record<FaultName, FaultCost>> = {
  'node-kill': NODE_DIES,
  'node-kill-in-move': NODE_DIES,
  'node-pause': { ...NODE_IS_SILENT, finishesLate: true },
  'orchestrator-kill': FREE,
  'orchestrator-kill-in-move': FREE,
  'orchestrator-pause': FREE,
  'link-reset': FREE,
  'link-half-open': NODE_IS_SILENT,
  'all-links-half-open': FREE,
  'gateway-reset': FREE,
  'gateway-reconnect': FREE,
  'gateway-invalid-resumable': FREE,
  'dead-resume-url': FREE,
  'full-disk': FREE,
};

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];
