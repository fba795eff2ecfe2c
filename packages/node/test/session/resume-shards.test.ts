/** resumeShards: shards that no node hands over, by one message. */
import type { MessageOf } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { SHARD_STATES } from '../../src/session/shard-states.js';
import type { ShardStateKind } from '../../src/session/state.js';
import { Bench, SESSION, SHARD } from './bench.js';

const shard = { ...SESSION, shardId: SHARD, takeover: 'checkpoint', epoch: 20 } as const;
const resume: MessageOf<'resumeShards'> = { kind: 'resumeShards', shards: [shard] };

/** Where the shard goes at once; in all other states that wait for no call the node says that it has the shard. */
const TAKES: Partial<Record<ShardStateKind, readonly string[]>> = {
  absent: ['call prepareTransferTo'],
  released: ['call prepareTransferTo'],
  staging: ['abortStaging', 'call prepareTransferTo'],
  collecting: ['abortStaging', 'call prepareTransferTo'],
  warming: ['abortStaging', 'call prepareTransferTo'],
  verified: ['abortStaging', 'call prepareTransferTo'],
};

describe('resumeShards', () => {
  test('resumes each shard and says so, without another question to the orchestrator', () => {
    const bench = new Bench().established();
    bench.message({ kind: 'resumeShards', shards: [shard, { ...shard, shardId: 4, takeover: 'exact' }] });
    expect(bench.said()).toEqual(['call prepareTransferTo', 'call prepareTransferTo']);
    bench.callEnds({});
    expect(bench.called()).toEqual([
      {
        method: 'resumeShard',
        shardId: SHARD,
        session: SESSION,
        why: 'migration',
        how: { stateLost: true, redelivers: true },
      },
    ]);
    bench.callEnds({});
    expect(bench.sent('startShards')).toEqual([{ kind: 'startShards', shardIds: [SHARD] }]);
    bench.callEnds({}, 4);
    expect(bench.called()).toMatchObject([{ shardId: 4, how: { stateLost: true, redelivers: false } }]);
    bench.callEnds({}, 4);
    expect([bench.kind(), bench.kind(4)]).toEqual(['running', 'running']);
  });

  test.each((Object.keys(SHARD_STATES) as ShardStateKind[]).map((state) => [state] as const))(
    'is carried out, waits or is refused by a shard that is %s here',
    (state) => {
      const bench = new Bench().established().put(state);
      bench.message(resume);
      const said = TAKES[state];
      if (said !== undefined) {
        expect([bench.kind(), bench.said()]).toEqual(['preparing', said]);
      } else if (SHARD_STATES[state].busy === true) {
        expect([bench.kind(), bench.said(), bench.state.waiting.get(SHARD)?.length]).toEqual([state, [], 1]);
      } else {
        expect([bench.kind(), bench.said()]).toEqual([state, ['send commandFailed']]);
      }
    },
  );

  test.each([
    ['the session that it kept itself', SESSION, false],
    ['another session', { ...SESSION, sequence: SESSION.sequence + 1 }, true],
  ] as const)('brings user code no news of a lost state with %s only', (_, session, stateLost) => {
    const bench = new Bench().established().put('released');
    bench.message({ kind: 'resumeShards', shards: [{ ...shard, ...session }] });
    bench.callEnds({});
    expect(bench.called()).toMatchObject([{ how: { stateLost } }]);
  });

  test('is not carried out under an epoch that is over', () => {
    const bench = new Bench().established();
    bench.message(resume);
    bench.callEnds({ threw: 'no' });
    bench.message({ kind: 'resumeShards', shards: [{ ...shard, epoch: 19 }] });
    expect([bench.kind(), bench.said()]).toEqual(['absent', []]);
  });

  test('is refused without a session that can be used', () => {
    const bench = new Bench().established();
    bench.message({ kind: 'resumeShards', shards: [{ ...shard, sequence: 2n ** 60n }] });
    expect(bench.sent('commandFailed')).toMatchObject([{ command: 'resumeShards', shardId: SHARD }]);
  });

  test.each([
    ['the host is not ready', { threw: 'no' }, 'absent', ['abortStaging', 'send commandFailed']],
    ['the host does not answer', { timedOut: 'late' }, 'absent', ['abortStaging', 'send commandFailed']],
  ] as const)('fails when %s', (_, outcome, state, said) => {
    const bench = new Bench().established();
    bench.message(resume);
    bench.callEnds(outcome);
    expect([bench.kind(), bench.said()]).toEqual([state, said]);
    expect(bench.sent('commandFailed')).toMatchObject([{ command: 'resumeShards' }]);
  });

  test('is dropped when the connection is lost before the host is ready', () => {
    const bench = new Bench().established();
    bench.message(resume);
    bench.disconnected();
    bench.callEnds({});
    expect([bench.kind(), bench.said()]).toEqual(['absent', ['abortStaging']]);
  });

  // While Discord was away no RESUME was answered, so a stop that had come while the host made room waited for ever:
  // nobody could have the shard elsewhere.
  test.each([
    ['stopShard', { kind: 'stopShard', shardId: SHARD, session: null }],
    ['shardTakenOver', { kind: 'shardTakenOver', shardId: SHARD, epoch: 21 }],
  ] as const)('is cut short by %s that came while the host made room', (_, message) => {
    const bench = new Bench().established();
    bench.message(resume);
    bench.message(message);
    expect(bench.said()).toEqual([]);
    bench.callEnds({});
    expect([bench.kind(), bench.said()]).toEqual(['stopping', ['call resumeShard', 'call stopShard']]);
  });
});
