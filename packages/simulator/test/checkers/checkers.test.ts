/** Each checker finds what it is for, and only that: fed by hand. */
import type { LedgerRecord } from '@dshard/gateway-emulator';
import type { HistoryEntry } from '@dshard/orchestrator/domain';
import { initialState } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import type { MakeChecker, Observation } from '../../src/observation.js';
import { durableFirst, quarantine } from '../../src/checkers/orchestrator.js';
import { epochsGrow, oneOwner } from '../../src/checkers/ownership.js';
import { identifyPace, resumeFirst, sessionsKept } from '../../src/checkers/discord-rules.js';
import { commitsKnown, leaderWrites, oneLeader } from '../../src/checkers/leadership.js';
import { parkedState } from '../../src/checkers/parked.js';
import { userCodeFirst, wholeState } from '../../src/checkers/user-code.js';
import { wholeStream } from '../../src/checkers/whole-stream.js';
import { planFor, type Plan } from '../../src/plan.js';

function found(make: MakeChecker, observations: readonly Observation[], more: Partial<Plan> = {}): string[] {
  const seen: string[] = [];
  const { gentle = true } = more;
  const planned = planFor(1, { faults: new Set(), orchestrators: null });
  const plan = { ...planned, durable: false, ...more, gentle, sparesNodes: gentle };
  const checker = make({ plan, violated: (_, what) => seen.push(what) });
  observations.forEach((observation, at) => checker.see(observation, at));
  checker.finish?.(observations.length);
  return seen;
}

const handed = (node: string, sequence: number, more: { sessionId?: string; expected?: number } = {}): Observation => ({
  kind: 'handed',
  node,
  shard: 0,
  sessionId: more.sessionId ?? 's',
  sequence,
  eventId: String(sequence),
  channel: 'c',
  number: sequence,
  redelivered: false,
  late: false,
  expected: more.expected ?? null,
});
const up = (node: string, sessionId = 's'): Observation => ({ kind: 'up', node, shard: 0, sessionId, how: 'resumed' });
const gateway = (record: LedgerRecord): Observation => ({ kind: 'gateway', record });
const session = { at: 0, sessionId: 's', shard: 0, count: 1 };
const attached = gateway({ kind: 'attached', ...session, connection: 1, resumedFrom: null, replayed: 0 });
const emitted = (s: number): Observation =>
  gateway({ kind: 'emitted', ...session, eventId: String(s), type: 'MESSAGE_CREATE', s });
const identify = (sessionId: string): Observation =>
  gateway({ kind: 'identify', at: 0, shard: 0, count: 1, outcome: 'admitted', sessionId });

describe('the checker of ownership', () => {
  test('takes a shard that goes from node to node for what it is: one owner at a time', () => {
    expect(found(oneOwner, [up('a'), handed('a', 1), up('b'), handed('b', 2), up('a'), handed('a', 3)])).toEqual([]);
  });

  test('finds an old owner that goes on with a shard after another has begun', () => {
    const seen = found(oneOwner, [up('a'), handed('a', 1), up('b'), handed('b', 2), handed('a', 3)], { gentle: false });
    expect(seen).toEqual(['node a handed over event 3 of shard 0 after node b had begun with it']);
  });

  test('excuses a silent node with another session, unless nothing was done to it', () => {
    const both = [up('a'), handed('a', 1), up('b', 't'), handed('b', 2, { sessionId: 't' }), handed('a', 3)];
    expect(found(oneOwner, both, { gentle: false })).toEqual([]);
    expect(found(oneOwner, both)).toHaveLength(1);
  });
});

describe('the checker of the whole stream', () => {
  const begun = [attached, up('a'), emitted(2), emitted(3), emitted(4)];

  test('has nothing to say of a stream that two nodes hand over in order', () => {
    expect(found(wholeStream, [...begun, handed('a', 2), handed('b', 3), handed('b', 4)])).toEqual([]);
  });

  test('finds an event that was skipped', () => {
    expect(found(wholeStream, [...begun, handed('a', 2), handed('b', 4)])).toEqual([
      'node b handed over event 4 of shard 0, and nobody had handed over 3',
    ]);
  });

  test('finds an event that comes twice, unless it may', () => {
    const twice = [...begun, handed('a', 2), handed('a', 3), handed('b', 3), handed('b', 4)];
    expect(found(wholeStream, twice)).toEqual(['node b handed over event 3 of shard 0 a second time']);
    expect(found(wholeStream, twice, { gentle: false })).toEqual([
      'node b handed over event 3 of shard 0 again, and did not say so',
    ]);
    const marked = twice.map((each, at) => (at === twice.length - 2 ? { ...each, redelivered: true } : each));
    expect(found(wholeStream, marked as Observation[], { gentle: false })).toEqual([]);
  });

  test('finds an event that is handed over with Discord’s close behind it, by one that cannot know of it otherwise', () => {
    const apart: Observation = { kind: 'apart', node: 'a', begins: true };
    const late = [...begun, apart, { ...handed('a', 2), late: true }, handed('b', 3), handed('b', 4)] as Observation[];
    expect(found(wholeStream, late)).toEqual(['node a handed over event 2 of shard 0, with Discord’s close behind it']);
  });

  test('finds that the last events never came', () => {
    expect(found(wholeStream, [...begun, handed('a', 2)])).toEqual(['2 events of shard 0 reached nobody in the end']);
  });
});

describe('the checker of whole state', () => {
  const cursor = { sessionId: 's', sequence: 5, resumeGatewayUrl: '' };
  const frozen: Observation = { kind: 'frozen', node: 'a', shard: 0, cursor, state: new Map([['c', 4]]) };
  const resuming = (state: Map<string, number>, received: number): Observation => {
    return { kind: 'resuming', node: 'b', shard: 0, cursor, state, stateLost: false, received };
  };

  test('has nothing to say of state that arrives as it was sent', () =>
    expect(found(wholeState, [frozen, resuming(new Map([['c', 4]]), 1)])).toEqual([]));

  test('finds state that arrives other than it was sent', () => {
    expect(found(wholeState, [frozen, resuming(new Map([['c', 3]]), 1)], { gentle: false })).toEqual([
      'node b resumed shard 0 with c=3 instead of c=4',
    ]);
  });

  test('excuses missing state only where its sender may be gone', () => {
    expect(found(wholeState, [frozen, resuming(new Map(), 0)], { gentle: false })).toEqual([]);
    expect(found(wholeState, [frozen, resuming(new Map(), 0)])).toHaveLength(1);
  });

  test('finds state that does not fit the event after it', () => {
    expect(found(wholeState, [handed('a', 7, { expected: 6 })])).toHaveLength(1);
    expect(found(wholeState, [handed('a', 6, { expected: 6 })])).toEqual([]);
  });
});

describe('the checker of parked state', () => {
  const at = (sessionId: string, sequence: number) => ({ sessionId, sequence, resumeGatewayUrl: '' });
  const cursor = at('s', 25);
  const state = new Map([['c', 11]]);
  const frozen: Observation = { kind: 'frozen', node: 'a', shard: 0, cursor, state };
  const empty = initialState(planFor(1, { faults: new Set(), orchestrators: null }).settings, 0);
  const known = { session: cursor, at: 0 };
  const spooled = { host: '', file: 'f', events: 1, bytes: 52, hash: '', version: '' };
  const parked = { since: 0, until: 60_000, origin: 'a', known, state: spooled, spread: 1, refusals: 0 };
  const decided: Observation = {
    kind: 'decided',
    state: { ...empty, shards: [{ kind: 'parked', since: 0, notBefore: 0, parked }] },
    entries: [],
  };
  const resuming = (sessionId: string, sequence: number, stateLost = false): Observation => {
    return { kind: 'resuming', node: 'b', shard: 0, cursor: at(sessionId, sequence), state, stateLost, received: 1 };
  };

  test('takes state that comes with its cursor, and a loss that is told', () => {
    expect(found(parkedState, [frozen, decided, resuming('s', 25)])).toEqual([]);
    expect(found(parkedState, [frozen, decided, resuming('t', 2, true)])).toEqual([]);
  });

  test('finds state that comes with the cursor of another session, or an earlier one', () => {
    expect(found(parkedState, [frozen, decided, resuming('t', 2)])).toEqual([
      'node b resumed shard 0 from t/2; its state is as of s/25',
    ]);
    expect(found(parkedState, [frozen, decided, resuming('s', 24)])).toHaveLength(1);
  });

  test('takes a shard that was parked, forgotten with the orchestrator, begun anew and then moved', () => {
    const begunAnew: Observation = {
      kind: 'decided',
      state: { ...empty, shards: [{ kind: 'running', node: 'a', since: 0 }] },
      entries: [],
    };
    const refrozen: Observation = { ...frozen, cursor: at('t', 2) };
    const begun = [frozen, decided, begunAnew, refrozen];
    expect(found(parkedState, [...begun, resuming('t', 2)])).toEqual([]);
    // Parked again, its state is held to its cursor again.
    expect(found(parkedState, [...begun, decided, resuming('t', 1)])).toHaveLength(1);
  });
});

test('an IDENTIFY is found where the session of the shard still lives', () => {
  expect(found(resumeFirst, [up('a'), identify('t')])).toHaveLength(1);
  const ended = gateway({ kind: 'ended', ...session, reason: 'invalidated' });
  expect(found(resumeFirst, [up('a'), ended, identify('t')])).toEqual([]);
});

test('a session closed for good is found, and so is an IDENTIFY without a permit', () => {
  const violation = {
    kind: 'session-closed-for-good',
    at: 0,
    connection: 1,
    shard: 0,
    sessionId: 's',
    message: 'm',
  } as const;
  expect(found(sessionsKept, [gateway({ kind: 'violation', violation })])).toEqual(['m']);
  expect(found(identifyPace, [{ kind: 'identify', node: 'a', shard: 3, permit: 'none' }])).toEqual([
    'node a identified shard 3 without a permit',
  ]);
});

test('a quarantined shard is not started until it is released', () => {
  const state = initialState(planFor(1, { faults: new Set(), orchestrators: null }).settings, 0);
  const recorded = (
    name: 'shardQuarantined' | 'shardUnquarantined' | 'shardsStarting',
    fields: HistoryEntry['fields'],
  ) => {
    const entry: HistoryEntry = { name, level: 'info', text: '', by: 'automatic', fields };
    return { kind: 'decided', state, entries: [entry] } as const;
  };
  const quarantined = recorded('shardQuarantined', { shard: 3 });
  const starting = recorded('shardsStarting', { shards: [2, 3] });
  const restarted: Observation = { kind: 'leads', name: 'orchestrator', epoch: 0 };
  expect(found(quarantine, [starting, quarantined, starting])).toEqual(['shard 3 was started']);
  expect(found(quarantine, [quarantined, recorded('shardUnquarantined', { shard: 3 }), starting])).toEqual([]);
  expect(found(quarantine, [quarantined, restarted, starting])).toEqual([]);
});

const SPOKEN = { kind: 'said', by: 'orchestrator', epoch: 1, leads: 1 } as const;

describe('the checker of epochs', () => {
  const start = (epoch: number): Observation => ({
    ...SPOKEN,
    message: { kind: 'startShards', shardIds: [0], epochs: [epoch] },
    kept: () => null,
  });

  test('takes a later epoch, and the same again', () => {
    expect(found(epochsGrow, [start(1), start(2), start(2)])).toEqual([]);
  });

  test('finds a start under an earlier epoch', () => {
    expect(found(epochsGrow, [start(2), start(1)])).toEqual(['the orchestrator acts on epoch 1 of shard 0, after 2']);
  });
});

describe('the checkers of two orchestrators', () => {
  const message = { kind: 'startShards', shardIds: [0] } as const;
  const said = (epoch: number): Observation => ({ ...SPOKEN, message, kept: () => null, epoch, leads: 2 });
  const committed = (version: number, epoch = 1): Observation => {
    return { kind: 'committed', batch: `one/1 ${epoch} ${version - 1} 1`, epoch, leads: 1, version };
  };
  const asked = (expectedVersion: number): Observation => {
    return { kind: 'stored', by: 'one', what: 'commitAsked', expectedVersion };
  };
  const answered = (expectedVersion: number, outcome: 'ok' | 'broken'): Observation => {
    return { kind: 'stored', by: 'one', what: 'commitAnswered', expectedVersion, outcome };
  };
  const loaded: Observation = { kind: 'stored', by: 'one', what: 'loaded' };
  const two = { orchestrators: 2 } as const;

  test('find one that speaks after another began to lead', () => {
    expect(found(oneLeader, [said(2), said(1)])).toEqual([
      'orchestrator sent startShards under epoch 1, and epoch 2 leads',
    ]);
  });

  test('find a write of one that does not lead', () => {
    expect(found(leaderWrites, [committed(1), committed(2, 0)])).toEqual([
      'one/1 0 1 1 was written under epoch 0, and epoch 1 leads',
    ]);
  });

  test('find a commit that was answered and is not there, and an answer that was never looked up', () => {
    const sound = [asked(0), committed(1), answered(0, 'ok'), asked(1), answered(1, 'broken'), loaded, asked(1)];
    expect(found(commitsKnown, sound, two)).toEqual([]);
    expect(found(commitsKnown, [asked(0), answered(0, 'ok')], two)).toEqual([
      'one was told so of version 1, and the store has it not',
    ]);
    expect(found(commitsKnown, [asked(0), answered(0, 'broken'), asked(0)], two)).toEqual([
      'one wrote on, and did not know about version 1',
    ]);
  });
});

describe('the checker of the record before the message', () => {
  const disk: Record<string, unknown> = {
    'fleet/ids': { nextEpoch: 8 },
    'fleet/identifies': { maxConcurrency: 2 },
    'shard/0': { node: 'a', epoch: 5, known: null },
    'shard/1': { node: 'b', epoch: 6, known: { sessionId: 's' } },
    'identify/1': { holder: { node: 'a', shard: 3 }, freeAt: 0 },
  };
  const said = (message: Message): Observation[] => [{ ...SPOKEN, message, kept: (record) => disk[record] ?? null }];
  const release = { kind: 'transferRelease', migrationId: 'm' } as const;
  test.each<[string, Message, string | null]>([
    ['a shard under its epoch', { kind: 'startShards', shardIds: [0], epochs: [5] }, null],
    ['a shard under a new epoch', { kind: 'startShards', shardIds: [0], epochs: [6] }, 'the epoch of shard 0'],
    ['a takeover', { kind: 'shardTakenOver', shardId: 1, epoch: 7 }, 'the epoch of shard 1'],
    ['a release after the commit', { ...release, shardId: 1 }, null],
    ['a release before the commit', { ...release, shardId: 0 }, 'the session of shard 0'],
    ['a permit', { kind: 'identifyGranted', shardId: 3 }, null],
    ['a permit of another', { kind: 'identifyGranted', shardId: 5 }, 'the permit of shard 5'],
  ])('judges %s by what the disk has', (_, message, lacking) => {
    const expected = lacking === null ? [] : [`${message.kind} was sent, and the disk did not have ${lacking}`];
    expect(found(durableFirst, said(message), { durable: true })).toEqual(expected);
  });
});

describe('the checker of user code before the freeze', () => {
  const of = { node: 'a', shard: 0 } as const;
  const ready: Observation = { kind: 'ready', node: 'b', shard: 0 };
  const freezing: Observation = { kind: 'moved', from: 'copied', to: 'freezing', ...of };
  const leaving = (done: boolean): Observation => ({ kind: 'leaving', ...of, done });

  test('takes a freeze when user code and the destination are ready', () => {
    expect(found(userCodeFirst, [leaving(false), leaving(true), ready, freezing])).toEqual([]);
  });

  test('finds a freeze before the destination is ready, and one on the word of the migration before', () => {
    const seen = 'node a froze shard 0, and nobody was ready for it';
    expect(found(userCodeFirst, [freezing])).toEqual([seen]);
    expect(found(userCodeFirst, [ready, freezing, freezing])).toEqual([seen]);
  });

  test('finds a freeze while user code is at the shard; a process that ended is at nothing', () => {
    expect(found(userCodeFirst, [leaving(false), ready, freezing])).toEqual([
      'node a froze shard 0 while user code was at it',
    ]);
    const ended: Observation = { kind: 'processEnded', name: 'a', how: 'was killed' };
    expect(found(userCodeFirst, [leaving(false), ended, ready, freezing])).toEqual([]);
  });
});
