/** Drives the pure gateway as a client would: no socket, and time goes on when it is told to. */
import { seededRandom } from '@dshard/transport';
import { defaultToken } from '../../src/core/token.js';
import { connectionClosed, connectionOpened, frameReceived } from '../../src/core/connections.js';
import { dispatch } from '../../src/core/dispatch.js';
import type { Effect } from '../../src/core/effects.js';
import type { FaultResult } from '../../src/core/faults.js';
import type { GatewayRules } from '../../src/core/rules.js';
import type { GatewayState } from '../../src/core/state.js';
import { createGatewayState } from '../../src/core/state.js';
import { tick } from '../../src/core/tick.js';
import type { WorldView } from '../../src/core/world-view.js';
import type { Violation } from '../../src/core/records.js';
import { Ledger } from '../../src/ledger/ledger.js';
import type { EmulatorOptions } from '../../src/options.js';
import { resolveOptions } from '../../src/options.js';
import { World } from '../../src/world/world.js';

/** The fields of `d` that tests look at, as far as the payload has them. */
type PayloadData = {
  id: string;
  session_id: string;
  resume_gateway_url: string;
  v: number;
  shard: [number, number];
  guilds: { id: string; unavailable: boolean }[];
};

export type Payload = { op: number; d: PayloadData; s: number | null; t: string | null };

export const token: string = defaultToken;
/** Guilds and guild messages. */
export const someIntents = 1 | 512;

export class Client {
  readonly id: number;
  readonly received: Payload[] = [];
  closedWith: number | null = null;
  cut = false;
  /** Payloads that were to be compressed one by one. */
  deflated = 0;
  readonly #harness: Harness;

  constructor(harness: Harness, id: number) {
    this.#harness = harness;
    this.id = id;
  }

  send(payload: unknown): this {
    return this.sendRaw(JSON.stringify(payload));
  }

  sendRaw(text: string | Uint8Array): this {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    this.#harness.run(frameReceived(this.#harness.state, this.id, bytes, this.#harness.now));
    return this;
  }

  identify(shard: unknown = [0, 1], more: Record<string, unknown> = {}): this {
    return this.send({ op: 2, d: { token, intents: someIntents, properties: { os: 'linux' }, shard, ...more } });
  }

  resume(sessionId: string, seq: number, more: Record<string, unknown> = {}): this {
    return this.send({ op: 6, d: { token, session_id: sessionId, seq, ...more } });
  }

  /** The client's end of the socket: `code` of its close frame, 1006 without one. */
  close(code: number): void {
    this.#harness.run(connectionClosed(this.#harness.state, this.id, code, this.#harness.now));
  }

  get ready(): Payload {
    const ready = this.received.find((payload) => payload.t === 'READY');
    if (ready === undefined) throw new Error('There was no READY.');
    return ready;
  }

  get sessionId(): string {
    return this.ready.d.session_id;
  }

  get last(): Payload | undefined {
    return this.received.at(-1);
  }

  /** What came, in short: `READY`, `MESSAGE_CREATE`, or the opcode. */
  get seen(): string[] {
    return this.received.map((payload) => payload.t ?? `op${payload.op}`);
  }
}

/** Drives one gateway. `world` in place of the generated one. */
export class Harness {
  now = 1_767_225_600_000;
  readonly state: GatewayState;
  readonly world: World;
  readonly ledger = new Ledger();
  readonly clients = new Map<number, Client>();
  #events = 0;

  constructor(options: EmulatorOptions = {}, world?: WorldView) {
    const resolved = resolveOptions({ guilds: 4, ...options });
    const rules: GatewayRules = resolved.rules;
    this.world = new World({ seed: 1, guilds: resolved.guilds });
    this.state = createGatewayState({
      rules,
      world: world ?? this.world,
      random: seededRandom(1),
      token,
      resumeGatewayUrl: 'ws://resume',
      now: this.now,
    });
  }

  connect(query: { v?: string; encoding?: string; compress?: string } = {}): Client {
    const client = new Client(this, this.clients.size + 1);
    this.clients.set(client.id, client);
    const asked = { v: query.v ?? '10', encoding: query.encoding ?? 'json', compress: query.compress ?? null };
    this.run(connectionOpened(this.state, client.id, asked, this.now));
    return client;
  }

  /** A guild message for every shard of `count`, or for one of them. Returns its id. */
  message(shard = 0, count = 1): string {
    this.#events += 1;
    const id = `${this.#events}`;
    const route = shard + count * 1000;
    this.run(
      dispatch(this.state, { id, type: 'MESSAGE_CREATE', json: `{"id":"${id}"}`, route, intents: 512 }, this.now),
    );
    return id;
  }

  advance(ms: number): void {
    this.now += ms;
    this.run(tick(this.state, this.now));
  }

  fault(result: FaultResult): number {
    this.run(result.effects);
    return result.affected;
  }

  violations(): Violation['kind'][] {
    return this.ledger.verdict().violations.map((violation) => violation.kind);
  }

  run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'record') {
        this.ledger.record(effect.record);
        continue;
      }
      const client = this.clients.get(effect.connection);
      if (client === undefined) throw new Error(`An effect for connection ${effect.connection}, which never was.`);
      if (client.closedWith !== null || client.cut)
        throw new Error(`An effect for connection ${client.id} after its end.`);
      if (effect.kind === 'send') {
        client.received.push(JSON.parse(effect.text) as Payload);
        if (effect.deflate === true) client.deflated += 1;
      } else if (effect.kind === 'close') client.closedWith = effect.code;
      else client.cut = true;
    }
  }
}
