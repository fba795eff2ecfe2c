/**
 * What went wrong, and must not begin anew with a restart of the orchestrator: how long launches are held back
 * (`crashLoop/<version>`), the crashes that a shard has to answer for (`crash/<shard>`), and which alarms stand
 * (`raised/<key>`).
 */
import type { CrashLoop } from '../state/processes.js';
import type { RaisedAlarm } from '../state/raised-alarms.js';
import { count, flag, listOf, nodeId, nullOr, object, orElse, picked, text, time, type Shape } from '../state/shape.js';
import type { CrashRecord } from '../state/state.js';
import { recordsOfMap, type Codec } from './records.js';

const CRASH_LOOP: Shape<CrashLoop> = {
  version: text,
  reported: nullOr(text),
  wasUp: flag,
  inARow: count,
  total: count,
  since: time,
  lastAt: time,
  notBefore: time,
  reason: text,
};

/** A version may have no name, and a record's key has one. */
export const CRASH_LOOPS: Codec<CrashLoop, CrashLoop> = recordsOfMap({
  kind: 'crashLoop',
  map: ({ crashLoops }) => new Map([...crashLoops].map(([version, loop]) => [`version ${version}`, loop])),
  parts: ({ crashLoops }) => [crashLoops],
  write: (loop) => picked(CRASH_LOOP, loop),
  read: object(CRASH_LOOP),
});

type Crashes = Pick<CrashRecord, 'crashes' | 'quarantinedAt' | 'liftedFor'>;

const CRASHES: Shape<Crashes> = {
  crashes: listOf(object({ node: nodeId, at: time, version: orElse('', text), witnessed: orElse(false, flag) })),
  quarantinedAt: nullOr(time),
  liftedFor: orElse(null, nullOr(text)),
};

export const CRASH_RECORDS: Codec<CrashRecord, Crashes> = recordsOfMap({
  kind: 'crash',
  map: ({ crashRecords }) => crashRecords,
  write: (record) => (record.crashes.length === 0 ? null : picked<Crashes>(CRASHES, record)),
  read: object(CRASHES),
});

const RAISED: Shape<RaisedAlarm> = {
  key: text,
  kind: text,
  since: time,
  raisedAt: time,
  reason: text,
  shards: listOf(count),
  nodes: listOf(text),
};

export const RAISED_ALARMS: Codec<RaisedAlarm, RaisedAlarm> = recordsOfMap({
  kind: 'raised',
  map: ({ raisedAlarms }) => raisedAlarms,
  write: (alarm) => picked(RAISED, alarm),
  read: object(RAISED),
});
