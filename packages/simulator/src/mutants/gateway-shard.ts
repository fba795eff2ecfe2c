/** Seeded bugs in the machine of gateway shards: the one that bots run. */
import { KEEP_SESSION_CODE } from '@dshard/node/gateway-shard';
import type { Decide, GatewayShardEffect, GatewayShardEvent, GatewayShardState } from '@dshard/node/gateway-shard';
import type { Mutant } from './mutant.js';

type Change = (decide: Decide) => Decide;

/** Before it is decided. */
const before =
  (change: (state: GatewayShardState, event: GatewayShardEvent, nowMs: number) => GatewayShardState): Change =>
  (decide) =>
  (state, event, now) =>
    decide(change(state, event, now.ms), event, now);

/** After it was decided. */
const after =
  (change: (state: GatewayShardState, event: GatewayShardEvent, nowMs: number) => GatewayShardState): Change =>
  (decide) =>
  (state, event, now) => {
    const decision = decide(state, event, now);
    return { ...decision, state: change(decision.state, event, now.ms) };
  };

const effects =
  (change: (effect: GatewayShardEffect, state: GatewayShardState) => GatewayShardEffect): Change =>
  (decide) =>
  (state, event, now) => {
    const decision = decide(state, event, now);
    return { ...decision, effects: decision.effects.map((effect) => change(effect, decision.state)) };
  };

/** A question that is not asked, but answered at once. */
const withoutAsking =
  (question: GatewayShardEffect['kind'], answer: GatewayShardEvent): Change =>
  (decide) =>
  (state, event, now) => {
    const decision = decide(state, event, now);
    if (!decision.effects.some(({ kind }) => kind === question)) return decision;
    const { link } = decision.state;
    const careless = link.kind === 'asking' ? { ...link, cause: 'attached' as const } : link;
    const next = withoutAsking(question, answer)(decide)({ ...decision.state, link: careless }, answer, now);
    const asked = decision.effects.filter(({ kind }) => kind !== question);
    return { state: next.state, effects: [...asked, ...next.effects] };
  };

const notBefore = (state: GatewayShardState, at: number): GatewayShardState => {
  const { link } = state;
  return link.kind === 'down' || link.kind === 'closing' ? { ...state, link: { ...link, notBefore: at } } : state;
};

const ENDS: ReadonlySet<GatewayShardEvent['kind']> = new Set(['closed', 'zombie', 'reconnect']);

export const GATEWAY_SHARD_MUTANTS: Readonly<Record<string, Mutant>> = {
  'received-cursor': {
    bug: 'the cursor of a gateway shard is the last event that came, not the last one that user code got',
    decideShard: after((state, event) => {
      const { session, delivery } = state;
      if (event.kind !== 'dispatch' || session === null || delivery.kind !== 'hold') return state;
      return { ...state, session: { ...session, sequence: Math.max(session.sequence, event.payload.s) } };
    }),
    inModel: true,
  },
  'close-1000': {
    bug: 'a gateway shard closes with 1000 where the session is to be kept',
    decideShard: effects((effect) =>
      effect.kind === 'close' && effect.code === KEEP_SESSION_CODE ? { ...effect, code: 1000 } : effect,
    ),
  },
  'no-permit': {
    bug: 'a gateway shard identifies without asking for a permit',
    decideShard: withoutAsking('requestPermit', { kind: 'permit' }),
  },
  'frozen-goes-on': {
    bug: 'a frozen shard hands over what comes',
    decideShard: before((state, event) =>
      event.kind === 'dispatch' && state.mode.kind === 'frozen' ? { ...state, delivery: { kind: 'deliver' } } : state,
    ),
    inModel: true,
  },
  'identify-again': {
    bug: 'a gateway shard identifies after a lost connection instead of resuming',
    decideShard: before((state, event) =>
      ENDS.has(event.kind) && state.link.kind !== 'closing' ? { ...state, session: null } : state,
    ),
    inModel: true,
  },
  'resumes-without-asking': {
    bug: 'a gateway shard resumes a session that may be another node’s without asking',
    decideShard: withoutAsking('askLease', { kind: 'lease', outcome: 'confirmed' }),
    faults: ['pauses', 'partitions', 'resets'],
  },
  'trusts-silence': {
    bug: 'a gateway shard takes a connection on which nothing comes for one that still has its session',
    decideShard: after((state) => ({ ...state, quiet: null })),
    faults: ['silentDoubleAttach', 'partitions', 'pauses', 'resets', 'drops'],
  },
  'unmarked-repeats': {
    bug: 'a gateway shard does not mark events that may have been handled before',
    decideShard: effects((effect) => (effect.kind === 'deliver' ? { ...effect, redelivered: false } : effect)),
  },
  'reads-late': {
    bug: 'a gateway shard hands over what it reads late, though its node is not heard of and Discord’s close is behind it',
    decideShard: (decide) => (state, event, now) => decide(state, event, { ...now, trusted: true }),
    faults: ['partitions'],
  },
  'op9-without-pause': {
    bug: 'a gateway shard goes on at once after op 9',
    decideShard: after((state, event, nowMs) => (event.kind === 'invalidSession' ? notBefore(state, nowMs) : state)),
  },
  'retries-at-once': {
    bug: 'a gateway shard connects again at once, whatever happens',
    decideShard: after((state, _, nowMs) => notBefore(state, nowMs)),
    faults: ['op9storm', 'muteResumes', 'drops', 'op7'],
  },
  'timeout-drops-session': {
    bug: 'a gateway shard gives its session up when Discord does not answer in time',
    decideShard: before((state, event, nowMs) => {
      const { link } = state;
      const isLate = (link.kind === 'connecting' || link.kind === 'resuming') && link.until <= nowMs;
      return event.kind === 'tick' && isLate ? { ...state, session: null } : state;
    }),
    faults: ['muteResumes', 'drops', 'op7', 'operators'],
  },
  'done-before-ready': {
    bug: 'a gateway shard says that it is resumed when its connection is open',
    decideShard: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      if (event.kind !== 'hello') return decision;
      return { ...decision, effects: [...decision.effects, { kind: 'settle', outcome: 'resumed' }] };
    },
  },
  'load-ends-freeze': {
    bug: 'a gateway shard that is still loading can be frozen, and the end of the load ends the freeze',
    decideShard: (decide) => (state, event, now) => {
      const { delivery, mode } = state;
      const isLoading = delivery.kind === 'hold' && delivery.why === 'loading';
      if (event.kind !== 'freeze' || !isLoading || mode.kind !== 'open') return decide(state, event, now);
      const frozen = decide({ ...state, delivery: { kind: 'deliver' } }, event, now);
      return { ...frozen, state: { ...frozen.state, delivery } };
    },
    inModel: true,
  },
  'trusts-any-url': {
    bug: 'a gateway shard resumes wherever the session says',
    decideShard: effects((effect, { session }) => {
      const url = session?.resumeGatewayUrl ?? '';
      return effect.kind === 'open' && url !== '' ? { ...effect, url } : effect;
    }),
    faults: ['strangeUrls', 'operators'],
  },
};
