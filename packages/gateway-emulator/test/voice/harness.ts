/** Drives the voice gateway as a client would: no socket, and time goes on when it is told to. */
import { seededRandom } from '@dshard/transport';
import { voiceClosed, voiceOpened, voiceReceived } from '../../src/voice/voice-gateway.js';
import { voiceTick } from '../../src/voice/voice-sessions.js';
import type { VoiceEffect, VoiceState } from '../../src/voice/voice-state.js';
import { createVoiceState } from '../../src/voice/voice-state.js';

export type VoicePayload = { op: number; d: Record<string, unknown>; seq?: number };

export class VoiceClient {
  readonly id: number;
  readonly received: VoicePayload[] = [];
  /** The close code; `cut` without a close frame. */
  closedWith: number | 'cut' | null = null;
  readonly #bench: VoiceBench;

  constructor(bench: VoiceBench, id: number) {
    this.#bench = bench;
    this.id = id;
  }

  send(payload: unknown): this {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    this.#bench.run(voiceReceived(this.#bench.state, this.id, new TextEncoder().encode(text), this.#bench.now));
    return this;
  }

  identify(more: Record<string, unknown> = {}): this {
    return this.send({ op: 0, d: { server_id: 'g', user_id: 'bot', session_id: 's', token: 't', ...more } });
  }

  select(more: Record<string, unknown> = {}): this {
    const data = { address: '127.0.0.1', port: 5, mode: 'aead_aes256_gcm_rtpsize', ...more };
    return this.send({ op: 1, d: { protocol: 'udp', data } });
  }

  resume(more: Record<string, unknown> = {}): this {
    return this.send({ op: 7, d: { server_id: 'g', session_id: 's', token: 't', ...more } });
  }

  leave(): void {
    voiceClosed(this.#bench.state, this.id, this.#bench.now);
  }

  get ops(): number[] {
    return this.received.map(({ op }) => op);
  }

  get last(): VoicePayload | undefined {
    return this.received.at(-1);
  }
}

/** One guild, `g`, in which the bot is as `place` says. */
export class VoiceBench {
  now = 1_000_000;
  place: { channelId: string; sessionId: string; token: string } | null = {
    channelId: 'c',
    sessionId: 's',
    token: 't',
  };
  others: string[] = [];
  readonly state: VoiceState;
  readonly clients: VoiceClient[] = [];

  constructor() {
    this.state = createVoiceState({
      random: seededRandom(1),
      places: {
        userId: 'bot',
        placeIn: (guildId) => (guildId === 'g' ? this.place : null),
        othersIn: () => this.others,
      },
    });
    this.state.udp = { address: '127.0.0.1', port: 4_000 };
  }

  connect(version: string | null = '8'): VoiceClient {
    const client = new VoiceClient(this, this.clients.length + 1);
    this.clients.push(client);
    this.run(voiceOpened(this.state, client.id, version, this.now));
    return client;
  }

  advance(ms: number): void {
    this.now += ms;
    this.run(voiceTick(this.state, this.now));
  }

  run(effects: readonly VoiceEffect[]): void {
    for (const effect of effects) {
      const client = this.clients[effect.connection - 1];
      if (client === undefined) throw new Error(`An effect for connection ${effect.connection}, which never was.`);
      if (client.closedWith !== null) throw new Error(`An effect for connection ${client.id} after its end.`);
      if (effect.kind === 'send') client.received.push(JSON.parse(effect.text) as VoicePayload);
      else client.closedWith = effect.kind === 'close' ? effect.code : 'cut';
    }
  }
}
