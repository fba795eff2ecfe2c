/**
 * Live migration: every state of a shard × every message. A state that is not named for a message behaves as the
 * message's `otherwise`; behind a host call a command waits (`wait`).
 */
import type { Message } from '@dshard/protocol';
import { digestTransferData } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import { SHARD_STATES } from '../../src/session/shard-states.js';
import type { ShardStateKind } from '../../src/session/state.js';
import { Bench, MIGRATION, SESSION, SHARD } from './bench.js';

const of = { migrationId: MIGRATION, shardId: SHARD };
const body = new Uint8Array(10);

type Reaction = readonly [next: ShardStateKind, ...said: string[]];
type Row = {
  message: Message;
  /** The state stays, and this is said. */
  otherwise: readonly string[];
  /** Not even a host call under way makes it wait. */
  atOnce?: boolean;
  reactions: Partial<Record<ShardStateKind, Reaction>>;
};

const FAILED = 'send transferFailed';

const ROWS: Record<string, Row> = {
  openOrigin: {
    message: { kind: 'transferOpen', ...of, role: 'origin', session: null, freezeTimeoutMs: 5_000 },
    otherwise: [FAILED],
    reactions: {
      running: ['offered', 'send transferOpened'],
      announcing: ['offered', 'endPatience', 'send transferOpened'],
      announced: ['offered', 'send transferOpened'],
      offered: ['offered', 'send transferOpened'],
      copying: ['copying', 'send transferOpened'],
      copied: ['copied', 'send transferOpened'],
      sendingDelta: ['sendingDelta', 'send transferOpened'],
      frozen: ['frozen', 'send transferOpened'],
    },
  },
  openDestination: {
    message: { kind: 'transferOpen', ...of, role: 'destination', session: SESSION, freezeTimeoutMs: 5_000 },
    otherwise: [FAILED],
    reactions: {
      absent: ['opening', 'call prepareTransferTo'],
      released: ['opening', 'call prepareTransferTo'],
      staging: ['opening', 'abortStaging', 'call prepareTransferTo'],
      collecting: ['collecting', 'send transferOpened'],
      warming: ['warming', 'send transferOpened'],
      verified: ['verified', 'send transferOpened'],
    },
  },
  openAnotherDestination: {
    message: { kind: 'transferOpen', ...of, migrationId: 'm2', role: 'destination', session: null, freezeTimeoutMs: 0 },
    otherwise: [FAILED],
    reactions: {
      absent: ['opening', 'call prepareTransferTo'],
      released: ['opening', 'call prepareTransferTo'],
      staging: ['opening', 'abortStaging', 'call prepareTransferTo'],
      collecting: ['opening', 'abortStaging', 'call prepareTransferTo'],
      warming: ['opening', 'abortStaging', 'call prepareTransferTo'],
      verified: ['opening', 'abortStaging', 'call prepareTransferTo'],
    },
  },
  openAnotherOrigin: {
    message: { kind: 'transferOpen', ...of, migrationId: 'm2', role: 'origin', session: null, freezeTimeoutMs: 0 },
    otherwise: [FAILED],
    reactions: {
      running: ['offered', 'send transferOpened'],
      announcing: ['offered', 'endPatience', 'stays', 'send transferOpened'],
      announced: ['offered', 'stays', 'send transferOpened'],
      offered: ['offered', 'stays', 'send transferOpened'],
      copying: ['offered', 'abortTransfer', 'stays', 'send transferOpened'],
      copied: ['offered', 'stays', 'send transferOpened'],
    },
  },
  shardLeaving: {
    message: { kind: 'shardLeaving', ...of, patienceMs: 1_000 },
    otherwise: [FAILED],
    reactions: {
      running: ['announcing', 'call leaving'],
      announcing: ['announcing'],
      announced: ['announced', 'send shardMayLeave'],
      offered: ['offered', 'send shardMayLeave'],
      copying: ['copying', 'send shardMayLeave'],
      copied: ['copied', 'send shardMayLeave'],
      sendingDelta: ['sendingDelta', 'send shardMayLeave'],
      frozen: ['frozen', 'send shardMayLeave'],
    },
  },
  shardLeavesNow: {
    message: { kind: 'shardLeaving', ...of, patienceMs: 0 },
    otherwise: [FAILED],
    reactions: {
      running: ['announcing', 'call leaving'],
      announcing: ['announcing', 'endPatience'],
      announced: ['announced', 'send shardMayLeave'],
      offered: ['offered', 'send shardMayLeave'],
      copying: ['copying', 'send shardMayLeave'],
      copied: ['copied', 'send shardMayLeave'],
      sendingDelta: ['sendingDelta', 'send shardMayLeave'],
      frozen: ['frozen', 'send shardMayLeave'],
    },
  },
  warmUp: {
    message: { kind: 'transferWarmUp', ...of, session: SESSION },
    otherwise: [FAILED],
    reactions: {
      collecting: ['warming', 'call warm'],
      warming: ['warming'],
      verified: ['verified', 'send transferWarm'],
    },
  },
  copy: {
    message: { kind: 'transferCopy', ...of, creditBytes: 500 },
    otherwise: [FAILED],
    reactions: {
      offered: ['copying', 'call exportState'],
      copying: ['copying'],
      copied: ['copied', 'send transferCopied'],
    },
  },
  credit: {
    message: { kind: 'transferCredit', ...of, bytes: 100 },
    otherwise: [],
    atOnce: true,
    reactions: { copying: ['copying', 'credit'], sendingDelta: ['sendingDelta', 'credit'] },
  },
  freeze: {
    message: { kind: 'transferFreeze', ...of },
    otherwise: [FAILED],
    reactions: {
      offered: ['freezing', 'call freeze'],
      copied: ['freezing', 'call freeze'],
      sendingDelta: ['sendingDelta'],
      frozen: ['frozen', 'send transferManifest'],
    },
  },
  release: {
    message: { kind: 'transferRelease', ...of },
    otherwise: [FAILED],
    reactions: { frozen: ['releasing', 'call release'], released: ['released', 'send transferReleased'] },
  },
  done: {
    message: { kind: 'transferDone', ...of },
    otherwise: [],
    reactions: { released: ['absent', 'released'] },
  },
  data: {
    message: { kind: 'transferData', ...of, index: 0, eventId: 101, body },
    otherwise: [],
    atOnce: true,
    reactions: {
      collecting: ['collecting', 'handleUserEvent'],
      warming: ['absent', 'abortStaging', FAILED],
      verified: ['absent', 'abortStaging', FAILED],
    },
  },
  manifest: {
    message: { kind: 'transferManifest', ...of, events: 0, bytes: 0, hash: '', session: SESSION },
    otherwise: [],
    atOnce: true,
    reactions: {
      collecting: ['verified', 'send transferVerified'],
      warming: ['absent', 'abortStaging', 'send transferVerified'],
      verified: ['verified', 'send transferVerified'],
    },
  },
  activate: {
    message: { kind: 'transferActivate', ...of },
    otherwise: [FAILED],
    reactions: { verified: ['activating', 'call resumeShard'] },
  },
  abort: {
    message: { kind: 'transferAbort', ...of, reason: 'x' },
    otherwise: [],
    reactions: {
      announcing: ['running', 'endPatience', 'stays'],
      announced: ['running', 'stays'],
      offered: ['running', 'stays'],
      copying: ['running', 'abortTransfer', 'stays'],
      copied: ['running', 'stays'],
      sendingDelta: ['unfreezing', 'abortTransfer', 'call unfreeze', 'stays'],
      frozen: ['unfreezing', 'call unfreeze', 'stays'],
      released: ['released', 'send transferReleased'],
      collecting: ['absent', 'abortStaging'],
      warming: ['absent', 'abortStaging'],
      verified: ['absent', 'abortStaging'],
      activating: ['stopping', 'call stopShard'],
    },
  },
  abortOfAnother: {
    message: { kind: 'transferAbort', ...of, migrationId: 'm2', reason: 'x' },
    otherwise: [],
    reactions: {},
  },
  startShards: {
    message: { kind: 'startShards', shardIds: [SHARD] },
    otherwise: ['send startShards'],
    reactions: {
      absent: ['starting', 'call startShards'],
      baseFrozen: ['unfreezing', 'call unfreeze', 'wait'],
      baseSending: ['unfreezing', 'abortTransfer', 'call unfreeze', 'wait'],
      staging: ['starting', 'abortStaging', 'call startShards'],
      sendingDelta: ['unfreezing', 'abortTransfer', 'call unfreeze', 'stays', 'wait'],
      frozen: ['unfreezing', 'call unfreeze', 'stays', 'wait'],
      released: ['resuming', 'call resumeShard'],
      collecting: ['starting', 'abortStaging', 'call startShards'],
      warming: ['starting', 'abortStaging', 'call startShards'],
      verified: ['starting', 'abortStaging', 'call startShards'],
    },
  },
  stopShard: {
    message: { kind: 'stopShard', shardId: SHARD, session: null },
    otherwise: ['send stopShard'],
    reactions: {
      running: ['stopping', 'call stopShard'],
      baseFrozen: ['stopping', 'call stopShard'],
      baseSending: ['stopping', 'abortTransfer', 'call stopShard'],
      staging: ['absent', 'abortStaging', 'send stopShard'],
      announcing: ['stopping', 'endPatience', 'call stopShard'],
      announced: ['stopping', 'call stopShard'],
      offered: ['stopping', 'call stopShard'],
      copying: ['stopping', 'abortTransfer', 'call stopShard'],
      copied: ['stopping', 'call stopShard'],
      sendingDelta: ['stopping', 'abortTransfer', 'call stopShard'],
      frozen: ['stopping', 'call stopShard'],
      released: ['absent', 'released', 'send stopShard'],
      collecting: ['absent', 'abortStaging', 'send stopShard'],
      warming: ['absent', 'abortStaging', 'send stopShard'],
      verified: ['absent', 'abortStaging', 'send stopShard'],
      // Discord may be away for long: a resume is cut short.
      resuming: ['stopping', 'call stopShard'],
      activating: ['stopping', 'call stopShard'],
    },
  },
  prepareOrigin: {
    message: { kind: 'prepareMigration', origin: true, shardId: SHARD, session: null },
    otherwise: ['send commandFailed'],
    reactions: {
      running: ['baseFreezing', 'call freeze'],
      baseFrozen: ['baseFrozen', 'send prepareMigration'],
      baseSending: ['baseSending', 'send prepareMigration'],
    },
  },
  prepareDestination: {
    message: { kind: 'prepareMigration', origin: false, shardId: SHARD, session: SESSION },
    otherwise: ['send commandFailed'],
    reactions: {
      absent: ['preparing', 'call prepareTransferTo'],
      released: ['preparing', 'call prepareTransferTo'],
      staging: ['staging', 'send prepareMigration'],
      collecting: ['preparing', 'abortStaging', 'call prepareTransferTo'],
      warming: ['preparing', 'abortStaging', 'call prepareTransferTo'],
      verified: ['preparing', 'abortStaging', 'call prepareTransferTo'],
    },
  },
};

const STATES = Object.keys(SHARD_STATES) as ShardStateKind[];

function expected(row: Row, state: ShardStateKind): Reaction {
  const named = row.reactions[state];
  if (named !== undefined) {
    return named;
  }
  return SHARD_STATES[state].busy === true && row.atOnce !== true ? [state, 'wait'] : [state, ...row.otherwise];
}

describe.each(Object.entries(ROWS))('%s', (_, row) => {
  test.each(STATES.map((state) => [state, ...expected(row, state)] as const))(
    'turns a shard that is %s into one that is %s',
    (state, next, ...said) => {
      const bench = new Bench().established().put(state);
      bench.message(row.message);
      expect(bench.kind()).toBe(next);
      const waiting = bench.state.waiting.get(SHARD) ?? [];
      expect([...bench.said(), ...waiting.map(() => 'wait')]).toEqual(said);
    },
  );
});

describe('what a destination got', () => {
  const hash = digestTransferData('', { index: 0, eventId: 101, body });
  const good = { kind: 'transferManifest', ...of, events: 1, bytes: 10, hash, session: SESSION } as const;

  function collecting(): Bench {
    const bench = new Bench().established().put('collecting');
    bench.message({ kind: 'transferData', ...of, index: 0, eventId: 101, body });
    return bench;
  }

  test('is checked against the manifest, and is verified when all of it is handled', () => {
    const bench = collecting();
    bench.message(good);
    expect(bench.said()).toEqual([]);
    bench.event({ kind: 'userEventHandled', stage: 903, shardId: SHARD, events: 1, bytes: 10, failure: null });
    expect(bench.sent('transferVerified')).toEqual([{ kind: 'transferVerified', ...of, ok: true, reason: '' }]);
    bench.message({ kind: 'transferActivate', ...of });
    expect(bench.called()).toEqual([{ method: 'resumeShard', shardId: SHARD, session: SESSION, why: 'migration' }]);
  });

  test.each([
    ['the count', { events: 2 }],
    ['the bytes', { bytes: 11 }],
    ['the hash', { hash: '00' }],
    ['the session', { session: null }],
  ])('is refused when the manifest differs in %s', (_, wrong) => {
    const bench = collecting();
    bench.message({ ...good, ...wrong });
    expect(bench.kind()).toBe('absent');
    expect(bench.said()).toEqual(['abortStaging', 'send transferVerified']);
    expect(bench.sent('transferVerified')[0]?.ok).toBe(false);
  });

  test.each([
    ['the order', { index: 2 }, 'index 2'],
    ['the credit', { index: 1, body: new Uint8Array(991) }, 'more than it had credit for'],
  ])('is refused when it breaks %s', (_, wrong, reason) => {
    const bench = collecting();
    bench.message({ kind: 'transferData', ...of, eventId: 101, body, ...wrong });
    expect(bench.kind()).toBe('absent');
    expect(bench.sent('transferFailed')[0]).toMatchObject({ step: 'transferData' });
    expect(bench.sent('transferFailed')[0]?.reason).toContain(reason);
  });

  test('may be an event larger than the whole window when nothing else is on its way', () => {
    const bench = new Bench().established().put('collecting');
    bench.message({ kind: 'transferData', ...of, index: 0, eventId: 101, body: new Uint8Array(5_000) });
    expect(bench.said()).toEqual(['handleUserEvent']);
    bench.event({ kind: 'userEventHandled', stage: 903, shardId: SHARD, events: 1, bytes: 5_000, failure: null });
    expect(bench.sent('transferCredit')).toEqual([{ kind: 'transferCredit', ...of, bytes: 5_000 }]);
  });

  test('is not verified when the host fails at it', () => {
    const bench = collecting();
    bench.event({ kind: 'userEventHandled', stage: 903, shardId: SHARD, events: 1, bytes: 10, failure: 'no' });
    expect(bench.said()).toEqual(['abortStaging', 'send transferFailed']);
  });
});

describe('credit', () => {
  test('is given back in quarters of the window, and whole when nothing waits', () => {
    const bench = new Bench().established().put('collecting');
    for (let index = 0; index < 5; index++) {
      bench.message({ kind: 'transferData', ...of, index, eventId: 101, body: new Uint8Array(100) });
    }
    const given: number[] = [];
    for (let index = 0; index < 5; index++) {
      bench.event({ kind: 'userEventHandled', stage: 903, shardId: SHARD, events: 1, bytes: 100, failure: null });
      given.push(...bench.sent('transferCredit').map(({ bytes }) => bytes));
    }
    expect(given).toEqual([300, 200]);
  });
});
