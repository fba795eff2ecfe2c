/**
 * Between voice sockets and the voice gateway: hands it what happens, with the time, and carries out its effects. One
 * websocket host and one UDP socket, on one address.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import type { Cancel, Clock } from '@dshard/transport';
import { EmulatorError } from '../errors.js';
import { voiceClosed, voiceOpened, voiceReceived } from '../voice/voice-gateway.js';
import { voicePacket } from '../voice/voice-packets.js';
import { dropVoice, voiceTick } from '../voice/voice-sessions.js';
import type { VoiceEffect, VoiceState } from '../voice/voice-state.js';
import { GatewayHost, type GatewayHostOptions, type GatewayStream } from './gateway-host.js';
import type { GatewaySocket } from './gateway-socket.js';
import { requestListener } from './http.js';

export type VoiceEdgeOptions = Pick<GatewayHostOptions, 'address' | 'hostName' | 'tls'> & {
  state: VoiceState;
  clock: Clock;
};

export type VoiceStatus = {
  /** `lost`: its socket is gone, a RESUME may come. */
  state: 'identified' | 'ready' | 'lost';
  /** Of the voice gateway's protocol. */
  version: number;
  /** How packets are encrypted; null before that was agreed on. */
  mode: string | null;
  speaking: boolean;
  /** Voice packets that came, and their bytes. */
  packets: number;
  bytes: number;
  resumes: number;
};

const tickMs = 100;

export class VoiceEdge {
  readonly #options: VoiceEdgeOptions;
  readonly #host: GatewayHost;
  readonly #open = new Map<number, GatewaySocket>();
  #udp: UdpSocket | null = null;
  #nextConnection = 1;
  #cancelTick: Cancel | null = null;

  constructor(options: VoiceEdgeOptions) {
    const { address, hostName, tls } = options;
    this.#options = options;
    this.#host = new GatewayHost({
      name: 'voice gateway',
      address,
      hostName,
      tls,
      onRequest: requestListener([]),
      onSocket: (socket, stream, query) => this.#accept(socket, stream, query.get('v')),
    });
  }

  /** As VOICE_SERVER_UPDATE names it: a host and always a port. */
  get endpoint(): string {
    const { hostname } = new URL(this.#host.url);
    return `${hostname}:${this.#host.port}`;
  }

  /** Listens on `port` (TCP) and on any (UDP). Throws `DSO_EMULATOR_PORT_TAKEN` or `DSO_EMULATOR_LISTEN_FAILED`. */
  async listen(port: number): Promise<void> {
    const { state, clock, address } = this.#options;
    await this.#host.listen(port);
    const udp = createSocket('udp4');
    this.#udp = udp;
    await new Promise<void>((resolve, reject) => {
      udp.once('error', (cause) => {
        const message = `The voice gateway cannot listen by UDP on ${address}: ${cause.message}.`;
        reject(new EmulatorError('DSO_EMULATOR_LISTEN_FAILED', message, { cause }));
      });
      udp.bind(0, address, resolve);
    });
    udp.removeAllListeners('error');
    // What cannot be sent back is lost, as packets are.
    udp.on('error', () => undefined);
    udp.on('message', (packet, from) => {
      const answer = voicePacket(state, packet, from);
      if (answer !== null) udp.send(answer, from.port, from.address);
    });
    state.udp = { address, port: udp.address().port };
    this.#cancelTick = clock.every(tickMs, () => this.#run(voiceTick(state, clock.now())));
  }

  /** Closes voice sockets with `code`, or cuts them. Returns how many. */
  drop(target: { guilds: readonly string[] | null; code: number | null }): number {
    const { state, clock } = this.#options;
    const { effects, affected } = dropVoice(state, target, clock.now());
    this.#run(effects);
    return affected;
  }

  /** Null: the bot has not identified for that guild. */
  status(guildId: string): VoiceStatus | null {
    const session = this.#options.state.sessions.get(guildId);
    if (session === undefined) return null;
    const { attachment, transport, speaking, received, version, resumes } = session;
    return {
      state: attachment.kind === 'detached' ? 'lost' : transport === null ? 'identified' : 'ready',
      version,
      mode: transport?.mode ?? null,
      speaking: speaking !== 0,
      ...received,
      resumes,
    };
  }

  async close(): Promise<void> {
    this.#cancelTick?.();
    this.#cancelTick = null;
    for (const socket of this.#open.values()) socket.terminate();
    const udp = this.#udp;
    this.#udp = null;
    if (udp !== null) await new Promise<void>((resolve) => udp.close(() => resolve()));
    await this.#host.close();
  }

  #accept(socket: GatewaySocket, stream: GatewayStream, version: string | null): void {
    const { state, clock } = this.#options;
    const id = this.#nextConnection;
    this.#nextConnection += 1;
    this.#open.set(id, socket);
    socket.watch(stream.socket, {
      onLeave: () => voiceClosed(state, id, clock.now()),
      onProtocolError: () => undefined,
    });
    socket.once('close', () => this.#open.delete(id));
    socket.on('message', (data, isBinary) => {
      if (isBinary || !(data instanceof Buffer)) return;
      this.#run(voiceReceived(state, id, data, clock.now()));
    });
    socket.on('ping', (data) => socket.pong(data));
    this.#run(voiceOpened(state, id, version, clock.now()));
  }

  #run(effects: readonly VoiceEffect[]): void {
    for (const effect of effects) {
      const socket = this.#open.get(effect.connection);
      if (socket === undefined) continue;
      if (effect.kind === 'send') socket.send(effect.text);
      else if (effect.kind === 'close') socket.closeFromHere(effect.code, effect.reason);
      else socket.terminate();
    }
  }
}
