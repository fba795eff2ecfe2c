import { boundedMemory } from './bounded-memory.js';
import type { MakeChecker } from './checker.js';
import { doneMeansReady } from './done-means-ready.js';
import { durableFirst } from './durable-first.js';
import { epochsGrow } from './epochs-grow.js';
import { frozenInTime } from './frozen-in-time.js';
import { goodManners } from './good-manners.js';
import { historyHolds } from './history-holds.js';
import { identifyPace } from './identify-pace.js';
import { oneOwner } from './one-owner.js';
import { quarantine } from './quarantine.js';
import { resumeFirst } from './resume-first.js';
import { resumePace } from './resume-pace.js';
import { sessionsKept } from './sessions-kept.js';
import { userCodeFirst } from './user-code-first.js';
import { wholeState } from './whole-state.js';
import { wholeStream } from './whole-stream.js';

export const CHECKERS: readonly MakeChecker[] = [
  oneOwner,
  identifyPace,
  wholeStream,
  resumeFirst,
  resumePace,
  doneMeansReady,
  wholeState,
  sessionsKept,
  goodManners,
  boundedMemory,
  frozenInTime,
  historyHolds,
  quarantine,
  epochsGrow,
  durableFirst,
  userCodeFirst,
];
