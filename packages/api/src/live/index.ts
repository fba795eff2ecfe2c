/** For pages too: nothing behind this entry needs Node.js. */
export { applyDelta } from './delta.js';
export type { ListChanges, LiveDelta, LiveShardChanges, Slots } from './delta.js';
export { byKey, LIVE_KEYS, LIVE_LISTS } from './keys.js';
export type { LiveListName, LiveLists } from './keys.js';
export { LIVE_CONDITIONS, LIVE_HISTORY, NOBODY, UNKNOWN_RATE } from './snapshot.js';
export type {
  LiveAlarm,
  LiveFigures,
  LiveFleet,
  LiveHost,
  LiveIdentifies,
  LiveNode,
  LiveOperation,
  LiveRollout,
  LiveShards,
  LiveSnapshot,
  LiveSuspicion,
} from './snapshot.js';
