/** The rules that a gateway shard decides once, for every host. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dueAt, whyNotMovable } from '../../src/gateway-shard/decide.js';
import type { GatewayShardEvent } from '../../src/gateway-shard/events.js';
import { phaseOf } from '../../src/gateway-shard/state.js';
import {
  atHello,
  dispatch,
  GENERIC_URL,
  LINKS,
  Machine,
  READY,
  RESUME_URL,
  resumed,
  resuming,
  RULES,
  SESSION,
} from './machine.js';

/** RESUMEs a minute. */
const HANDFUL = 6;

/** Whatever the machine waits for comes; RESUMEs are answered by `answer`. Returns when RESUMEs were sent. */
function resumesWithin(ms: number, answer: readonly GatewayShardEvent[], machine = new Machine()): number[] {
  const resumes: number[] = [];
  machine.on({ kind: 'connect' });
  while (machine.ms <= ms) {
    const { link } = machine.state;
    if (machine.effect('resume') !== undefined) {
      resumes.push(machine.ms);
      if (answer.length > 0) {
        machine.on(...answer);
        continue;
      }
    }
    if (link.kind === 'asking' || link.kind === 'waiting') machine.on({ kind: 'lease', outcome: 'confirmed' });
    else if (link.kind === 'connecting') machine.on({ kind: 'hello' });
    else if (link.kind === 'closing') machine.on({ kind: 'closed', code: 4200 });
    else machine.after(Math.max(1, Math.min(dueAt(machine.state) - machine.ms, 60_000)));
  }
  return resumes;
}

describe('what came while nobody knew whose the shard was', () => {
  const kept = (): Machine => {
    const machine = resumed();
    machine.trusted = false;
    machine.on(dispatch(12), dispatch(13));
    machine.trusted = true;
    return machine;
  };

  test('goes to user code when the shard is its own', () => {
    expect(kept().on({ kind: 'trust', outcome: 'confirmed' }).delivered).toEqual(['11', '12', '13']);
  });

  // A host that had no network for a while: Discord's close came right behind what others had handled meanwhile.
  test.each([4006, 1006])('is dropped when the connection then ends with %i: another one has the session', (code) => {
    const machine = kept().on({ kind: 'closed', code }, { kind: 'trust', outcome: 'confirmed' });
    expect(machine.delivered).toEqual(['11']);
    machine.on({ kind: 'lease', outcome: 'confirmed' }).after(machine.waitMs);
    machine.on({ kind: 'lease', outcome: 'confirmed' }, { kind: 'hello' }, { kind: 'lease', outcome: 'confirmed' });
    expect(machine.on(dispatch(12), dispatch(13), dispatch(14, 'RESUMED')).delivered).toHaveLength(4);
  });

  // Under load a node read its socket late: twelve events that its successor had handled, and Discord's close behind
  // them. A library tells the end of a connection only when Discord has answered the answer to its close.
  test('is dropped when Discord’s close was read, however long the end then takes', () => {
    const machine = kept().on({ kind: 'closing' }, { kind: 'trust', outcome: 'confirmed' });
    expect(machine.delivered).toEqual(['11']);
    expect(machine.on({ kind: 'closed', code: 4006 }).delivered).toEqual(['11']);
  });

  test('is dropped by a shard that is frozen, too: nothing of it is handed over when the freeze ends', () => {
    const machine = kept().on({ kind: 'freeze' }, { kind: 'closed', code: 4006 });
    machine.on({ kind: 'trust', outcome: 'confirmed' }, { kind: 'unfreeze' });
    expect(machine.delivered).toEqual(['11']);
  });

  test('a close ends no other hold: what a frozen shard kept was its own', () => {
    const machine = resumed().on({ kind: 'freeze' }, dispatch(12), { kind: 'closing' }, { kind: 'unfreeze' });
    expect(machine.delivered).toEqual(['11', '12']);
  });
});

describe('retries', () => {
  test('begin within half a second after a loss, and each further one waits longer, up to the bound', () => {
    const machine = resumed();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      machine.on({ kind: 'closed', code: 1006 });
      waits.push(machine.waitMs);
      machine.after(machine.waitMs).on({ kind: 'lease', outcome: 'confirmed' });
    }
    expect(waits.slice(0, 5)).toEqual([250, 375, 750, 1_500, 3_000]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(RULES.backoffMaxMs);
  });

  test('are drawn, so that not all shards come back at once', () => {
    const waits = [0, 0.5, 1].map((draw) => {
      const machine = resumed();
      machine.draw = draw;
      return machine.on({ kind: 'reconnect' }).waitMs;
    });
    expect(new Set(waits).size).toBe(3);
  });

  test.each<[string, GatewayShardEvent]>([
    ['op 7', { kind: 'reconnect' }],
    ['a refused connect', { kind: 'closed', code: 1006 }],
    ['op 9', { kind: 'invalidSession', resumable: true }],
    ['a zombie', { kind: 'zombie' }],
    ['a close code', { kind: 'closed', code: 4000 }],
  ])('count %s as a failure until the shard has been up for a while', (_, event) => {
    const machine = resumed().on(event);
    expect(machine.state.retries.failures).toBe(1);
    machine
      .on({ kind: 'closed', code: 4200 })
      .after(10_000)
      .on({ kind: 'lease', outcome: 'confirmed' }, { kind: 'hello' });
    machine.on({ kind: 'lease', outcome: 'confirmed' }, dispatch(12, 'RESUMED'));
    machine.ms += RULES.stableMs - 1;
    machine.on({ kind: 'reconnect' });
    expect(machine.state.retries.failures).toBe(2);
    machine
      .on({ kind: 'closed', code: 4200 })
      .after(10_000)
      .on({ kind: 'lease', outcome: 'confirmed' }, { kind: 'hello' });
    machine.on({ kind: 'lease', outcome: 'confirmed' }, dispatch(13, 'RESUMED'));
    machine.ms += RULES.stableMs;
    machine.on({ kind: 'reconnect' });
    expect(machine.state.retries.failures).toBe(1);
  });

  test('wait at op 9 for the 1 to 5 s that Discord asks for, each time longer', () => {
    const machine = resuming();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      machine.on({ kind: 'invalidSession', resumable: true });
      waits.push(machine.waitMs);
      machine.on({ kind: 'closed', code: 4200 }).after(machine.waitMs).on({ kind: 'lease', outcome: 'confirmed' });
      machine.on({ kind: 'hello' }, { kind: 'lease', outcome: 'confirmed' });
    }
    expect(waits).toEqual([3_000, 6_000, 12_000, 24_000]);
    const [shortest, longest] = [0, 1].map((draw) => {
      const one = resuming();
      one.draw = draw;
      return one.on({ kind: 'invalidSession', resumable: false }).waitMs;
    });
    expect([shortest, longest]).toEqual([1_000, 5_000]);
  });

  test.each<[string, readonly GatewayShardEvent[]]>([
    ['op 9', [{ kind: 'invalidSession', resumable: true }]],
    ['op 7', [{ kind: 'reconnect' }]],
    ['4000', [{ kind: 'closed', code: 4000 }]],
    ['nothing', []],
    ['RESUMED, then op 7 at once', [dispatch(12, 'RESUMED'), { kind: 'reconnect' }]],
  ])('are no more than a handful of RESUMEs a minute when each is answered by %s', (_, answer) => {
    const times = resumesWithin(600_000, answer);
    expect(times.length).toBeGreaterThan(5);
    for (const from of times) {
      expect(times.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(HANDFUL);
    }
  });

  // Found by the simulator: six RESUMEs within 18 s, and then none for the rest of the minute: the session expired
  // meanwhile.
  test('never pause for longer than sessions live', () => {
    const times = resumesWithin(300_000, [dispatch(12, 'RESUMED'), { kind: 'reconnect' }]);
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(RULES.backoffMaxMs);
  });

  test('are no more than a handful a minute, whatever comes', () => {
    const answer = fc.constantFrom<readonly GatewayShardEvent[]>(
      [{ kind: 'invalidSession', resumable: true }],
      [{ kind: 'reconnect' }],
      [{ kind: 'zombie' }],
      [dispatch(12, 'RESUMED'), { kind: 'closed', code: 1000 }],
      [],
    );
    fc.assert(
      fc.property(answer, fc.double({ min: 0, max: 1, noNaN: true }), (given, draw) => {
        const machine = new Machine();
        machine.draw = draw;
        const times = resumesWithin(200_000, given, machine);
        return times.every((from) => times.filter((at) => at >= from && at < from + 60_000).length <= HANDFUL);
      }),
      { numRuns: 50 },
    );
  });
});

describe('no answer is not a refusal', () => {
  test.each(['connecting', 'resuming', 'closing'] as const)(
    'a connection that is %s and never answered costs no session',
    (link) => {
      const machine = LINKS[link]();
      for (let minute = 0; minute < 60; minute += 1) machine.after(60_000);
      expect(machine.state.session?.sessionId).toBe(SESSION.sessionId);
      expect(machine.state.session?.sequence).toBeGreaterThanOrEqual(SESSION.sequence);
    },
  );

  test.each([1000, 1001, 1006, 4000, 4001, 4002, 4003, 4005, 4006, 4008, 4009, 4200])(
    'a connection that was up and closes with %i keeps its session',
    (code) => {
      expect(resumed().on({ kind: 'closed', code }).state.session).toMatchObject({ sessionId: 'a', sequence: 11 });
    },
  );

  test.each<[string, GatewayShardEvent]>([
    ['op 9 false', { kind: 'invalidSession', resumable: false }],
    ['4007', { kind: 'closed', code: 4007 }],
    ['4009', { kind: 'closed', code: 4009 }],
  ])('a RESUME that is answered by %s has lost the session, with the name of the reason', (_, event) => {
    const machine = resuming().on(event);
    expect(machine.state.session).toBeNull();
    expect(machine.effect('log')?.text ?? '').toMatch(/session is gone: .*(op 9|4007|4009)/u);
    expect(machine.all.filter(({ kind }) => kind === 'settle')).toEqual([]);
  });

  test('a RESUME that takes its time is not late while events come', () => {
    const machine = resuming();
    for (let s = 11; s < 20; s += 1) machine.after(RULES.resumeMs - 1).on(dispatch(s));
    expect(machine.state.link.kind).toBe('resuming');
    expect(machine.after(RULES.resumeMs).state.link.kind).toBe('closing');
  });
});

describe('done means ready', () => {
  test('those who wait are answered at RESUMED', () => {
    const machine = resuming();
    expect(machine.all.some(({ kind }) => kind === 'settle')).toBe(false);
    expect(machine.on(dispatch(11, 'RESUMED')).effect('settle')).toEqual({ kind: 'settle', outcome: 'resumed' });
  });

  test('those who wait are answered at READY of a new session, with leave to IDENTIFY', () => {
    const machine = resuming().on({ kind: 'invalidSession', resumable: false }, { kind: 'closed', code: 4200 });
    machine.after(5_000).on({ kind: 'hello' });
    expect(machine.kinds).toEqual(['requestPermit']);
    machine.on({ kind: 'permit' });
    expect(machine.all.some(({ kind }) => kind === 'settle')).toBe(false);
    expect(machine.on(READY).kinds).toEqual(['endPermit', 'up', 'deliver', 'settle', 'missed']);
    expect(machine.effect('settle')).toEqual({ kind: 'settle', outcome: 'sessionLost' });
    expect(machine.state.session).toEqual({ sessionId: 'new', sequence: 1, resumeGatewayUrl: RESUME_URL });
  });

  test('those who wait are answered also when the shard is refused for good', () => {
    const machine = resuming().on({ kind: 'closed', code: 4004 });
    expect(machine.state.mode).toEqual({ kind: 'refused', code: 4004 });
    expect(machine.kinds).toEqual(['fail']);
    expect(phaseOf(machine.state)).toBe('disconnected');
    expect(dueAt({ ...machine.state, quiet: null })).toBe(Infinity);
  });
});

describe('holds', () => {
  test('the end of a load never ends a freeze', () => {
    const machine = resumed().on({ kind: 'freeze' }, dispatch(12), { kind: 'loaded' });
    expect(machine.delivered).toEqual(['11']);
    expect(machine.on({ kind: 'unfreeze' }).delivered).toEqual(['11', '12']);
  });

  test('a shard that is still being loaded, or replays what may have been handled, cannot be moved', () => {
    expect(whyNotMovable(resuming({ loading: true }).state)).toBe('loading');
    expect(whyNotMovable(resuming({ redelivers: true }).state)).toBe('replaying');
    expect(whyNotMovable(atHello({ session: null }).state)).toBe('noSession');
    expect(resuming({ loading: true }).on({ kind: 'freeze' }).state.mode.kind).toBe('open');
  });

  test('what was kept of a session that is over is handed over, and moves no cursor of the new one', () => {
    const machine = resumed({ loading: true }).on(dispatch(12), { kind: 'invalidSession', resumable: false });
    machine
      .on({ kind: 'closed', code: 4200 })
      .after(5_000)
      .on({ kind: 'hello' }, { kind: 'permit' }, READY, dispatch(2));
    machine.on({ kind: 'loaded' });
    expect(machine.delivered).toEqual(['11', '12', '1', '2']);
    expect(machine.state.session).toMatchObject({ sessionId: 'new', sequence: 2 });
  });

  test('a hold that is full leaves the rest to Discord: the connection ends, and comes back when the hold is over', () => {
    const machine = resumed({ rules: { ...RULES, keptMax: 3 } }).on({ kind: 'freeze' });
    machine.on(dispatch(12), dispatch(13), dispatch(14), dispatch(15));
    expect(machine.kinds).toEqual(['close']);
    machine.on({ kind: 'closed', code: 4200 }).after(60_000);
    expect(machine.state.link.kind).toBe('down');
    machine.on({ kind: 'unfreeze' });
    expect(machine.delivered).toEqual(['11', '12', '13', '14']);
    machine.on({ kind: 'lease', outcome: 'confirmed' }, { kind: 'hello' }, { kind: 'lease', outcome: 'confirmed' });
    expect(machine.effect('resume')?.session.sequence).toBe(14);
  });

  test('what another node may have handled is marked, up to RESUMED', () => {
    const machine = resuming({ redelivers: true }).on(
      dispatch(11),
      dispatch(12),
      dispatch(13, 'RESUMED'),
      dispatch(14),
    );
    expect(machine.delivered).toEqual(['11!', '12!', '13', '14']);
    expect(machine.state.redelivers).toBe(false);
  });

  test('a shard that stops in such a replay says so in its cursor', () => {
    const machine = resuming({ redelivers: true }).on(dispatch(11), { kind: 'stop', code: 4200 });
    expect(machine.state.mode).toEqual({ kind: 'stopped', cursor: { ...SESSION, sequence: 11, redelivers: true } });
  });
});

describe('where a connection leads', () => {
  test.each<[string, string, string | null, string]>([
    ["Discord's resume URL", RESUME_URL, GENERIC_URL, RESUME_URL],
    ["Discord's resume URL, before the generic one is known", RESUME_URL, null, RESUME_URL],
    ["a stranger's host", 'wss://gateway.example.com/', GENERIC_URL, GENERIC_URL],
    ['no URL', 'nonsense', GENERIC_URL, GENERIC_URL],
    ['a weaker scheme', 'ws://gateway-us-east1-b.discord.gg/', GENERIC_URL, GENERIC_URL],
    ['a host of the generic one', 'ws://127.0.0.1:2/', 'ws://127.0.0.1:1/', 'ws://127.0.0.1:2/'],
  ])('the right URL is connected to for %s', (_, resumeGatewayUrl, gatewayUrl, url) => {
    const machine = new Machine({ session: { ...SESSION, resumeGatewayUrl }, gatewayUrl });
    machine.on({ kind: 'connect' }, { kind: 'lease', outcome: 'confirmed' });
    expect(machine.effect('open')).toEqual({ kind: 'open', url, resumes: true });
  });

  test('a URL that only the generic one can vouch for waits until that is known', () => {
    const session = { ...SESSION, resumeGatewayUrl: 'ws://127.0.0.1:2/' };
    const machine = new Machine({ session, gatewayUrl: null });
    machine.on({ kind: 'connect' }, { kind: 'lease', outcome: 'confirmed' });
    expect(machine.kinds).toEqual(['askLease', 'locate']);
    machine.on({ kind: 'located', url: 'ws://127.0.0.1:1/' });
    expect(machine.effect('open')?.url).toBe('ws://127.0.0.1:2/');
  });

  test('a URL that led to nothing is left for the generic one, and not tried again by the connection that waits at HELLO', () => {
    const machine = new Machine().on({ kind: 'preconnect' }, { kind: 'lease', outcome: 'confirmed' });
    machine.on({ kind: 'closed', code: 1006 });
    expect(machine.effect('preconnected')?.failure).toContain('1006');
    machine.on({ kind: 'resume', session: { ...SESSION, sequence: 12 }, redelivers: false });
    machine.on({ kind: 'lease', outcome: 'confirmed' });
    expect(machine.effect('open')?.url).toBe(GENERIC_URL);
  });
});

describe('a connection that waits at HELLO', () => {
  test('does not RESUME before it is told to, and then from where it is told', () => {
    const machine = new Machine().on(
      { kind: 'preconnect' },
      { kind: 'lease', outcome: 'confirmed' },
      { kind: 'hello' },
    );
    expect(machine.effect('preconnected')).toEqual({ kind: 'preconnected', failure: null });
    expect(machine.after(60_000).kinds).toEqual([]);
    machine.on({ kind: 'resume', session: { ...SESSION, sequence: 99 }, redelivers: true });
    machine.on({ kind: 'lease', outcome: 'confirmed' });
    expect(machine.effect('resume')?.session.sequence).toBe(99);
    expect(machine.state.redelivers).toBe(true);
  });
});

describe('time', () => {
  test('a clock that jumps backwards, as no monotonic one does, is not what decides: deadlines are moments of one clock', () => {
    const machine = resuming();
    const { link } = machine.state;
    expect(link.kind === 'resuming' ? link.until : 0).toBe(machine.ms + RULES.resumeMs);
    expect(dueAt(machine.state)).toBe(machine.ms + RULES.resumeMs);
  });
});
