/**
 * A seeded bug in the machine is caught through every host: a host that decided by itself what its shards do would
 * pass. A host's own test file replaces the machine with `seededDecide` (vi.mock) and calls `describeSeededBugs` with
 * what it makes bots of.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Decide } from '../../src/gateway-shard/decide.js';
import { emulator, Subject, traffic } from './subject.js';
import type { MakeBot } from './subject.js';
import { leave } from './leave.js';

export type Machine = { decide: Decide };

let bug: (decide: Decide) => Decide = (decide) => decide;

/** The module, with the bug of the test that runs. */
export function withSeededBug<M extends Machine>(machine: M): M {
  return { ...machine, decide: (state, event, now) => bug(machine.decide)(state, event, now) };
}

/** What each bug breaks, seen from outside. */
type Scene = { bug: (decide: Decide) => Decide; isBroken: (world: World) => Promise<boolean> };
type World = { gateway: GatewayEmulator; a: Subject; b: Subject };

const SCENES: Readonly<Record<string, Scene>> = {
  'a frozen shard hands over what comes': {
    bug: (decide) => (state, event, now) =>
      decide(
        event.kind === 'dispatch' && state.mode.kind === 'frozen' ? { ...state, delivery: { kind: 'deliver' } } : state,
        event,
        now,
      ),
    isBroken: async ({ gateway, a }) => {
      await a.start(0);
      const cursor = await a.host.freeze?.(0);
      await traffic(gateway, 40);
      return a.lastOf(0) !== cursor?.sequence;
    },
  },
  'op 9 without a pause': {
    bug: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const { link } = decision.state;
      if (event.kind !== 'invalidSession' || link.kind !== 'closing') return decision;
      return { ...decision, state: { ...decision.state, link: { ...link, notBefore: 0 } } };
    },
    isBroken: async ({ gateway, a }) => {
      await a.start(0);
      gateway.admin.answerResumes('resumable', {}, { forMs: 600 });
      gateway.admin.drop();
      await until(() => a.seen.some(({ type }) => type === 'RESUMED'), { what: 'RESUMED' });
      return gateway.admin.status().asked.resume > 2;
    },
  },
  'the session is dropped on a timeout': {
    bug: (decide) => (state, event, now) => {
      const { link } = state;
      const isLate = event.kind === 'tick' && link.kind === 'resuming' && link.until <= now.ms;
      return decide(isLate ? { ...state, session: null } : state, event, now);
    },
    isBroken: async ({ gateway, a }) => {
      await a.start(0);
      gateway.admin.answerResumes('never', {}, { forMs: 1_000 });
      gateway.admin.drop();
      await until(() => a.seen.filter(({ type }) => type === 'RESUMED' || type === 'READY').length === 2, {
        what: 'it to be back',
      });
      return a.permits.length > 1;
    },
  },
  'done before ready': {
    bug: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      if (event.kind !== 'hello') return decision;
      return { ...decision, effects: [...decision.effects, { kind: 'settle', outcome: 'resumed' }] };
    },
    isBroken: async ({ gateway, a, b }) => {
      await a.start(0);
      const session = await leave(a.host, 0);
      gateway.admin.answerResumes('never', {}, { forMs: 1_000 });
      await b.host.resumeShard(0, session, b.context);
      return b.phase(0) !== 'ready';
    },
  },
  'any resume URL is trusted': {
    bug: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const url = decision.state.session?.resumeGatewayUrl ?? '';
      const effects = decision.effects.map((effect) =>
        effect.kind === 'open' && url !== '' ? { ...effect, url } : effect,
      );
      return { ...decision, effects };
    },
    isBroken: async ({ a, b }) => {
      let calls = 0;
      const stranger = createServer((socket) => {
        calls += 1;
        socket.destroy();
      });
      await once(stranger.listen(0, 'localhost'), 'listening');
      const { port } = stranger.address() as AddressInfo;
      await a.start(0);
      const session = await leave(a.host, 0);
      await b.host.resumeShard(0, { ...session, resumeGatewayUrl: `ws://localhost:${port}` }, b.context);
      await once(stranger.close(), 'close');
      return calls > 0;
    },
  },
  'the cursor is what came, not what was handed over': {
    bug: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const { session, delivery } = decision.state;
      if (event.kind !== 'dispatch' || session === null || delivery.kind !== 'hold') return decision;
      return { ...decision, state: { ...decision.state, session: { ...session, sequence: event.payload.s } } };
    },
    isBroken: async ({ gateway, a }) => {
      await a.start(0);
      const frozen = await a.host.freeze?.(0);
      await traffic(gateway, 40);
      const stopped = await a.host.stopShard(0, { keepSession: true });
      return stopped?.sequence !== frozen?.sequence;
    },
  },
};

/** @param library its name, for the titles. */
export function describeSeededBugs(library: string, make: MakeBot): void {
  describe(`seeded bugs in the machine, through the host for ${library}`, () => {
    leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

    let world: World;

    beforeEach(async () => {
      const gateway = await emulator({ rate: 200 });
      const [a, b] = [new Subject('a', gateway, 4, make), new Subject('b', gateway, 4, make)];
      await a.host.sessionEstablished?.(a.context);
      await b.host.sessionEstablished?.(b.context);
      world = { gateway, a, b };
    });

    afterEach(async () => {
      bug = (decide) => decide;
      await Promise.all([world.a.close(), world.b.close()]);
      await world.gateway.close();
    });

    test.each(Object.entries(SCENES))(
      'are noticed: %s',
      async (_, scene) => {
        bug = scene.bug;
        expect(await scene.isBroken(world)).toBe(true);
      },
      40_000,
    );

    test.each(Object.entries(SCENES))(
      'are not noticed in a machine that does not have them: %s',
      async (_, scene) => {
        expect(await scene.isBroken(world)).toBe(false);
      },
      40_000,
    );
  });
}
