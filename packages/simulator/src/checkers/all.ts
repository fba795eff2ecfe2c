import { boundedMemory, durableFirst, historyHolds, launchPace, quarantine } from './orchestrator.js';
import type { MakeChecker } from '../observation.js';
import { doneMeansReady, goodManners, identifyPace, resumeFirst, resumePace, sessionsKept } from './discord-rules.js';
import { epochsGrow, oneOwner } from './ownership.js';
import { commitsKnown, leaderWrites, oneLeader } from './leadership.js';
import { parkedState } from './parked.js';
import { frozenInTime, userCodeFirst, wholeState } from './user-code.js';
import { wholeStream } from './whole-stream.js';

export const CHECKERS: readonly MakeChecker[] = [
  oneOwner,
  identifyPace,
  wholeStream,
  resumeFirst,
  resumePace,
  doneMeansReady,
  wholeState,
  parkedState,
  sessionsKept,
  goodManners,
  boundedMemory,
  frozenInTime,
  historyHolds,
  quarantine,
  launchPace,
  epochsGrow,
  durableFirst,
  userCodeFirst,
  oneLeader,
  leaderWrites,
  commitsKnown,
];
