/**
 * Each dispatch goes to user code once, in order, whatever comes in which order: freezes, leases, a load, lost
 * connections, moves to another process. Discord is a list here: what it sent, and who is connected.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Decide } from '../../src/gateway-shard/decide.js';
import { decide, dueAt, whyNotMovable } from '../../src/gateway-shard/decide.js';
import type { GatewayShardEvent } from '../../src/gateway-shard/events.js';
import { finalCursor } from '../../src/gateway-shard/state.js';
import type { Cursor } from '../../src/index.js';
import { dispatch, Machine, RULES, SESSION } from './machine.js';

const STEPS = [
  'emit',
  'answer',
  'freeze',
  'unfreeze',
  'sleep',
  'confirm',
  'timedOut',
  'loaded',
  'drop',
  'op 7',
  'op 9',
  'time',
  'move',
] as const;
type Step = (typeof STEPS)[number];

class World {
  readonly #decide: Decide;
  readonly #keptMax: number;
  #machine: Machine;
  /** What Discord has sent, by sequence. RESUMED takes one of its own, and is not replayed. */
  readonly sent: number[] = [];
  readonly delivered: number[] = [];
  #last = SESSION.sequence;
  #isAttached = false;
  /** The cursor that the freeze gave: that is where another process goes on. */
  #frozenAt: Cursor | null = null;
  /** What the machine has asked for, and nobody has answered yet. */
  #questions: GatewayShardEvent['kind'][] = [];

  constructor(decideWith: Decide, keptMax: number) {
    this.#decide = decideWith;
    this.#keptMax = keptMax;
    this.#machine = this.#begin(false, true);
  }

  #begin(redelivers: boolean, loading: boolean, session = SESSION): Machine {
    const rules = { ...RULES, keptMax: this.#keptMax };
    const machine = new Machine({ session, redelivers, loading, rules }, this.#decide);
    this.#machine = machine;
    this.#questions = [];
    this.#isAttached = false;
    this.#on({ kind: 'connect' });
    return machine;
  }

  #on(event: GatewayShardEvent): void {
    const machine = this.#machine.on(event);
    for (const effect of machine.effects) {
      if (effect.kind === 'deliver' && effect.payload.t !== 'RESUMED') this.delivered.push(effect.payload.s);
      if (effect.kind === 'askLease') this.#questions.push('lease');
      if (effect.kind === 'askTrust') this.#questions.push('trust');
      if (effect.kind === 'open') this.#questions.push('hello');
      if (effect.kind === 'close') this.#closes();
      if (effect.kind === 'resume') this.#resumed(effect.session.sequence);
    }
  }

  #closes(): void {
    this.#isAttached = false;
    this.#questions = [...this.#questions.filter((kind) => kind === 'trust'), 'closed'];
  }

  #resumed(from: number): void {
    this.#isAttached = true;
    this.#last += 1;
    const resumedAt = this.#last;
    for (const s of this.sent) if (s > from && this.#isAttached) this.#on(dispatch(s));
    if (this.#isAttached) this.#on(dispatch(resumedAt, 'RESUMED'));
  }

  take(step: Step): void {
    switch (step) {
      case 'emit':
        this.#last += 1;
        this.sent.push(this.#last);
        if (this.#isAttached) this.#on(dispatch(this.#last));
        return;
      case 'answer':
        return this.#answer('confirmed');
      case 'sleep':
        this.#machine.trusted = false;
        return;
      case 'confirm':
        return this.#trust('confirmed');
      case 'timedOut':
        return this.#trust('timedOut');
      case 'freeze':
        this.#on({ kind: 'freeze' });
        if (this.#machine.state.mode.kind === 'frozen') this.#frozenAt ??= this.#machine.state.session;
        return;
      case 'unfreeze':
        this.#frozenAt = null;
        return this.#on({ kind: 'unfreeze' });
      case 'loaded':
        return this.#on({ kind: 'loaded' });
      case 'drop':
        if (!this.#isAttached) return;
        this.#isAttached = false;
        return this.#on({ kind: 'closed', code: 1006 });
      case 'op 7':
        return this.#isAttached ? this.#on({ kind: 'reconnect' }) : undefined;
      case 'op 9':
        return this.#isAttached ? this.#on({ kind: 'invalidSession', resumable: true }) : undefined;
      case 'time':
        return this.#pass(5_000);
      case 'move':
        return this.#move();
    }
  }

  /** The oldest question. Nobody answers whose the shard is but by `confirm` and `timedOut`. */
  #answer(outcome: 'confirmed' | 'timedOut'): void {
    const kind = this.#questions.find((question) => question !== 'trust');
    if (kind === undefined) return;
    this.#questions.splice(this.#questions.indexOf(kind), 1);
    if (kind === 'lease') this.#on({ kind, outcome });
    else if (kind === 'hello') this.#on({ kind });
    else this.#on({ kind: 'closed', code: 4200 });
  }

  #trust(outcome: 'confirmed' | 'timedOut'): void {
    this.#machine.trusted = true;
    if (!this.#questions.includes('trust')) return;
    this.#questions = this.#questions.filter((kind) => kind !== 'trust');
    this.#on({ kind: 'trust', outcome });
  }

  #pass(ms: number): void {
    this.#machine.ms += ms;
    this.#on({ kind: 'tick' });
  }

  /** To another process: frozen or not, its state loaded or not, from the last event that user code had here. */
  #move(): void {
    if (whyNotMovable(this.#machine.state) !== null) return;
    const cursor = this.#frozenAt ?? finalCursor(this.#machine.state);
    this.#frozenAt = null;
    this.#on({ kind: 'stop', code: 4200 });
    if (cursor !== null) this.#begin(false, this.#last % 2 === 0, cursor);
  }

  /** Whatever holds things up ends. */
  heal(): void {
    for (let round = 0; round < 200; round += 1) {
      this.#trust('confirmed');
      this.take('unfreeze');
      this.take('loaded');
      this.#answer('confirmed');
      const { link, delivery } = this.#machine.state;
      if (link.kind === 'ready' && delivery.kind === 'deliver' && this.delivered.length >= this.sent.length) return;
      const due = dueAt(this.#machine.state);
      if (due !== Infinity && this.#questions.length === 0) this.#pass(Math.max(0, due - this.#machine.ms));
    }
  }
}

function run(steps: readonly Step[], keptMax: number, decideWith: Decide = decide): World {
  const world = new World(decideWith, keptMax);
  for (const step of steps) world.take(step);
  world.heal();
  return world;
}

/** Events are what there should be most of, and answers, or nothing would ever be connected. */
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>('emit') },
  { weight: 6, arbitrary: fc.constant<Step>('answer') },
  { weight: 10, arbitrary: fc.constantFrom(...STEPS) },
);

const steps = fc.array(anyStep, { minLength: 20, maxLength: 120, size: 'max' });

test('every dispatch goes to user code once, in order', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(3, 1_000), (taken, keptMax) => {
      const { sent, delivered } = run(taken, keptMax);
      expect(delivered).toEqual(sent);
    }),
    { numRuns: 2_000 },
  );
});

/** Seeded bugs that each break it: what cannot fail proves nothing. */
const BUGS: Readonly<Record<string, (decideWith: Decide) => Decide>> = {
  'a frozen shard hands over what comes': (decideWith) => (state, event, now) =>
    event.kind === 'dispatch' && state.mode.kind === 'frozen'
      ? decideWith({ ...state, delivery: { kind: 'deliver' } }, event, now)
      : decideWith(state, event, now),
  'the end of a load ends a freeze': (decideWith) => (state, event, now) =>
    event.kind === 'loaded' && state.delivery.kind === 'hold'
      ? decideWith({ ...state, delivery: { ...state.delivery, why: 'loading' } }, event, now)
      : decideWith(state, event, now),
  'the cursor is what came, not what was handed over': (decideWith) => (state, event, now) => {
    const decision = decideWith(state, event, now);
    const { session } = decision.state;
    if (event.kind !== 'dispatch' || session === null) return decision;
    return { ...decision, state: { ...decision.state, session: { ...session, sequence: event.payload.s } } };
  },
  'what came while nobody knew whose the shard is goes on, and comes again': (decideWith) => (state, event, now) =>
    event.kind === 'trust' && event.outcome === 'timedOut'
      ? decideWith({ ...state, session: state.session && { ...state.session, sequence: 0 } }, event, now)
      : decideWith(state, event, now),
};

test.each(Object.entries(BUGS))('the seeded bug is noticed: %s', (_, bug) => {
  const check = fc.check(
    fc.property(steps, fc.constantFrom(3, 1_000), (taken, keptMax) => {
      const { sent, delivered } = run(taken, keptMax, bug(decide));
      expect(delivered).toEqual(sent);
    }),
    { numRuns: 2_000, seed: 1 },
  );
  expect(check.failed).toBe(true);
});
