/** One gateway shard's machine under a hand-held clock, and ways to bring it into each of its states. */
import { decide } from '../../src/gateway-shard/decide.js';
import type { Decide } from '../../src/gateway-shard/decide.js';
import type { GatewayShardEffect, GatewayShardEvent } from '../../src/gateway-shard/events.js';
import { FIXED_RULES, initialShard } from '../../src/gateway-shard/state.js';
import type { Beginning, GatewayShardState, Link, Rules } from '../../src/gateway-shard/state.js';
import type { Cursor } from '../../src/index.js';

export const RULES: Rules = {
  ...FIXED_RULES,
  handshakeMs: 5_000,
  helloMs: 5_000,
  identifyMs: 15_000,
  resumeMs: 10_000,
  closeMs: 3_000,
  quietMs: 30_000,
  backoffMinMs: 500,
  backoffMaxMs: 30_000,
};

export const GENERIC_URL = 'wss://gateway.discord.gg/';
export const RESUME_URL = 'wss://gateway-us-east1-b.discord.gg/';
export const SESSION: Cursor = { sessionId: 'a', sequence: 10, resumeGatewayUrl: RESUME_URL };

export const READY: GatewayShardEvent = {
  kind: 'dispatch',
  payload: { t: 'READY', s: 1, d: { session_id: 'new', resume_gateway_url: RESUME_URL } },
};

export function dispatch(s: number, t = 'MESSAGE_CREATE'): GatewayShardEvent {
  return { kind: 'dispatch', payload: { t, s } };
}

/** The effects of a kind. */
export type EffectOf<K extends GatewayShardEffect['kind']> = Extract<GatewayShardEffect, { kind: K }>;

export class Machine {
  state: GatewayShardState;
  ms = 0;
  draw = 0.5;
  trusted = true;
  /** Effects of the last event. */
  effects: readonly GatewayShardEffect[] = [];
  readonly all: GatewayShardEffect[] = [];
  readonly #decide: Decide;

  constructor(beginning: Partial<Beginning> & { gatewayUrl?: string | null } = {}, decideWith: Decide = decide) {
    const { gatewayUrl = GENERIC_URL, ...rest } = beginning;
    const shard = initialShard({ session: SESSION, redelivers: false, loading: false, rules: RULES, ...rest });
    this.state = { ...shard, gatewayUrl };
    this.#decide = decideWith;
  }

  /** Several events at one moment. */
  on(...events: readonly GatewayShardEvent[]): this {
    const before = this.all.length;
    for (const event of events) {
      const { state, effects } = this.#decide(this.state, event, {
        ms: this.ms,
        draw: this.draw,
        trusted: this.trusted,
      });
      this.state = state;
      this.all.push(...effects);
    }
    this.effects = this.all.slice(before);
    return this;
  }

  /** Time passes, and then it is looked at. */
  after(ms: number): this {
    this.ms += ms;
    return this.on({ kind: 'tick' });
  }

  get kinds(): readonly string[] {
    return this.effects.flatMap(({ kind }) => (kind === 'log' ? [] : [kind]));
  }

  effect<K extends GatewayShardEffect['kind']>(kind: K): EffectOf<K> | undefined {
    return this.effects.find((effect): effect is EffectOf<K> => effect.kind === kind);
  }

  /** Sequences that went to user code, with `!` where marked. */
  get delivered(): readonly string[] {
    return this.all.flatMap((effect) =>
      effect.kind === 'deliver' ? [`${effect.payload.s}${effect.redelivered ? '!' : ''}`] : [],
    );
  }

  /** When the next connection is made at the earliest, from now. */
  get waitMs(): number {
    const { link } = this.state;
    return 'notBefore' in link ? link.notBefore - this.ms : 0;
  }
}

/** From a session, whose the shard is confirmed, up to HELLO. */
export function atHello(beginning: Partial<Beginning> = {}): Machine {
  const machine = new Machine(beginning).on({ kind: 'connect' });
  if (machine.state.session !== null) machine.on({ kind: 'lease', outcome: 'confirmed' });
  return machine.on({ kind: 'hello' });
}

export function resuming(beginning: Partial<Beginning> = {}): Machine {
  return atHello(beginning).on({ kind: 'lease', outcome: 'confirmed' });
}

export function resumed(beginning: Partial<Beginning> = {}): Machine {
  return resuming(beginning).on(dispatch(11, 'RESUMED'));
}

/** A shard for each link, open, each by the events that lead there. */
export const LINKS: Readonly<Record<Link['kind'], () => Machine>> = {
  down: () => {
    const machine = resumed();
    machine.ms += 60_000;
    return machine.on({ kind: 'closed', code: 4000 });
  },
  asking: () => new Machine().on({ kind: 'connect' }),
  locating: () => new Machine({ session: null, gatewayUrl: null }).on({ kind: 'connect' }),
  connecting: () => new Machine().on({ kind: 'connect' }, { kind: 'lease', outcome: 'confirmed' }),
  waiting: () => atHello(),
  awaitingPermit: () => atHello({ session: null }),
  identifying: () => atHello({ session: null }).on({ kind: 'permit' }),
  resuming: () => resuming(),
  ready: () => resumed(),
  closing: () => resumed().on({ kind: 'reconnect' }),
};
