/** Puts the emulator together: core, world, ledger, two hosts, HTTP. */
import { delay, seededRandom, systemClock, type Clock } from '@dshard/transport';
import { Admin } from './admin/admin.js';
import { botIdIn } from './core/token.js';
import { dispatch, type TrafficEvent } from './core/dispatch.js';
import { discordNames } from './core/discord.js';
import { createGatewayState, type GatewayState } from './core/state.js';
import { ownVoiceState } from './core/voice.js';
import { EmulatorError } from './errors.js';
import { Answers } from './ledger/answers.js';
import { Ledger } from './ledger/ledger.js';
import { resolveOptions, type EmulatorOptions } from './options.js';
import { emulatorRoutes, isEmulatorPath } from './admin/emulator-routes.js';
import { GatewayEdge } from './server/gateway-edge.js';
import { GatewayHost } from './server/gateway-host.js';
import { requestListener } from './server/http.js';
import { makeTrust, type CertificateAuthority, type Trust } from './server/tls/trust.js';
import { discordRoutes } from './server/rest/discord-routes.js';
import { VoiceEdge } from './server/voice-edge.js';
import { createVoiceState, type VoicePlaces } from './voice/voice-state.js';
import { People } from './world/people.js';
import type { RestActions } from './world/rest-actions.js';
import { ScriptPlayer, type ScriptLine } from './world/script.js';
import { setStage } from './world/stage.js';
import { Traffic } from './world/traffic.js';
import { World } from './world/world.js';

export type GatewayEmulator = {
  /** The gateway: `ws://127.0.0.1:<port>`; with TLS `wss`, here and in the others `https`. */
  readonly url: string;
  /** The host of `resume_gateway_url`. */
  readonly resumeUrl: string;
  /** For libraries: `http://127.0.0.1:<port>/api`. */
  readonly apiUrl: string;
  /** For `/ledger` and `/emulator/…`: `http://127.0.0.1:<port>`. */
  readonly httpUrl: string;
  /** Host and port of the voice gateway, which is there with `tls`; else null. */
  readonly voiceEndpoint: string | null;
  /** With `tls`: the authority that signed its certificate, for those who are to trust it; else null. */
  readonly ca: CertificateAuthority | null;
  /** The token it was started with. */
  readonly token: string;
  /** What `/gateway/bot` recommends. */
  readonly shards: number;
  readonly world: World;
  readonly traffic: Traffic;
  /** What people do, on demand: messages, commands, joins. */
  readonly people: People;
  /** What the bot did by REST. */
  readonly posted: RestActions;
  /** A player of a script (`parseScript`); it begins with `start()`. */
  play(lines: readonly ScriptLine[]): ScriptPlayer;
  /** Calls back with everything that happens in the world, before sessions get it. Returns how to end that. */
  onEmitted(listen: (event: TrafficEvent) => void): () => void;
  readonly ledger: Ledger;
  /** Whether the bot answered what people wrote, each message once. */
  readonly answers: Answers;
  readonly admin: Admin;
  /**
   * Resolves when everything emitted was reported as handled. Throws `DSO_EMULATOR_NOT_SETTLED` with what is missing
   * after `timeoutMs` (default 5000) of the emulator's clock.
   */
  settled(options?: { timeoutMs?: number }): Promise<void>;
  /** Cuts every socket and stops listening. Safe to call again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Starts an emulator on 127.0.0.1. Throws `DSO_EMULATOR_BAD_OPTION`, `DSO_EMULATOR_PORT_TAKEN`,
 * `DSO_EMULATOR_LISTEN_FAILED`, `DSO_EMULATOR_CA_NOT_WRITTEN`. With a clock of one's own, a day of limits takes as long
 * as one lets it.
 */
export async function startGatewayEmulator(
  options: EmulatorOptions = {},
  { clock = systemClock() }: { clock?: Clock } = {},
): Promise<GatewayEmulator> {
  const resolved = resolveOptions(options);
  const { seed, token, rules } = resolved;
  const world = new World({ seed, guilds: resolved.guilds, members: resolved.members, botId: botIdIn(token) });
  const ledger = new Ledger(resolved.ledger);
  const answers = new Answers(() => clock.now());
  const random = seededRandom(seed + 1);
  const state = createGatewayState({ rules, world, random, token, resumeGatewayUrl: '', now: clock.now() });
  const edge = new GatewayEdge({
    state,
    clock,
    record: (record) => {
      ledger.record(record);
      answers.record(record);
    },
    maxSocketBufferBytes: resolved.maxSocketBufferBytes,
  });
  const listeners = new Set<(event: TrafficEvent) => void>();
  const emit = (event: TrafficEvent): void => {
    for (const listen of listeners) listen(event);
    edge.run(dispatch(state, event, clock.now()));
  };
  const stage = setStage({ world, clock, random: seededRandom(seed + 3), emit });
  const { nextId, posted } = stage;
  posted.watch((action) => answers.posted(action));
  const people = new People(stage);
  const traffic = new Traffic({
    world,
    clock,
    random: seededRandom(seed + 2),
    directEvery: resolved.directEvery,
    mix: resolved.mix,
    nextId,
    interaction: people.byChance,
    emit,
  });
  const { helloDelayMs } = resolved;
  const onSocket: ConstructorParameters<typeof GatewayHost>[0]['onSocket'] = (socket, stream, query) => {
    if (helloDelayMs === 0) {
      edge.accept(socket, stream, query);
      return;
    }
    // What the client says or does in the meantime is read afterwards.
    socket.pause();
    clock.after(helloDelayMs, () => {
      edge.accept(socket, stream, query);
      socket.resume();
    });
  };
  const trust = resolved.tls
    ? await makeTrust({
        addresses: [resolved.address, resolved.resumeAddress, resolved.voiceAddress],
        caFile: resolved.caFile,
      })
    : null;
  const names = resolved.names === 'discord' ? discordNames : null;
  const resumeHost = new GatewayHost({
    name: 'resume host',
    address: resolved.resumeAddress,
    hostName: names?.resume ?? null,
    tls: trust,
    onRequest: requestListener([]),
    onSocket,
  });
  const gatewayHost: GatewayHost = new GatewayHost({
    name: 'gateway emulator',
    address: resolved.address,
    hostName: names?.gateway ?? null,
    tls: trust,
    onRequest: (request, response) => listener(request, response),
    onSocket,
    isOperators: ({ url }) => isEmulatorPath(url ?? '/'),
  });
  const voice =
    trust === null ? null : voiceEdge({ state, world, clock, seed, address: resolved.voiceAddress, trust, names });
  const admin = new Admin({ state, clock, edge, gatewayHost, resumeHost, traffic, voice });
  const listener = requestListener([
    discordRoutes({ state, clock, gatewayUrl: () => gatewayHost.url, recommendedShards: resolved.shards, stage }),
    emulatorRoutes({
      admin,
      ledger,
      answers,
      traffic,
      world,
      people,
      posted,
      ownVoice: (guild) => ownVoiceState(state, guild),
    }),
  ]);

  try {
    await resumeHost.listen(resolved.resumePort);
    await gatewayHost.listen(resolved.port);
    await voice?.listen(resolved.voicePort);
  } catch (error) {
    await Promise.all([resumeHost.close(), gatewayHost.close(), voice?.close(), trust?.forget()]);
    throw error;
  }
  state.resumeGatewayUrl = resumeHost.url;
  if (voice !== null) state.voiceEndpoint = voice.endpoint;
  edge.start();
  if (resolved.rate > 0) traffic.start(resolved.rate);

  const { httpUrl } = gatewayHost;
  const players = new Set<ScriptPlayer>();
  const close = async (): Promise<void> => {
    traffic.stop();
    for (const player of players) player.stop();
    admin.close();
    edge.stop();
    await Promise.all([gatewayHost.close(), resumeHost.close(), voice?.close(), trust?.forget()]);
  };
  return {
    url: gatewayHost.url,
    resumeUrl: resumeHost.url,
    apiUrl: `${names === null ? httpUrl : gatewayHost.nameUrl(names.api)}/api`,
    httpUrl,
    voiceEndpoint: voice?.endpoint ?? null,
    ca: trust?.authority ?? null,
    token,
    shards: resolved.shards,
    world,
    traffic,
    people,
    posted,
    answers,
    play: (lines) => {
      const player = new ScriptPlayer({ lines, clock, nextId, emit });
      players.add(player);
      return player;
    },
    onEmitted: (listen) => {
      listeners.add(listen);
      return () => listeners.delete(listen);
    },
    ledger,
    admin,
    settled: ({ timeoutMs = 5_000 } = {}) => untilSettled(ledger, clock, timeoutMs),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The voice gateway, which asks the main one where the bot is. */
function voiceEdge({
  state,
  world,
  clock,
  seed,
  address,
  trust,
  names,
}: {
  state: GatewayState;
  world: World;
  clock: Clock;
  seed: number;
  address: string;
  trust: Trust;
  names: typeof discordNames | null;
}): VoiceEdge {
  const places: VoicePlaces = {
    userId: world.userId,
    placeIn: (guildId) => state.voice.get(guildId) ?? null,
    othersIn: (guildId, channelId) => {
      const there = world.guild(guildId)?.voiceStates() ?? [];
      return there.filter((other) => other.channel_id === channelId).map((other) => other.user_id);
    },
  };
  const voice = createVoiceState({ random: seededRandom(seed + 4), places });
  return new VoiceEdge({ state: voice, clock, address, hostName: names?.voice ?? null, tls: trust });
}

const settledPollMs = 10;

async function untilSettled(ledger: Ledger, clock: Clock, timeoutMs: number): Promise<void> {
  const deadline = clock.now() + timeoutMs;
  while (ledger.outstanding().total > 0) {
    if (clock.now() >= deadline) {
      const { total, perShard } = ledger.outstanding();
      const shards = [...perShard].map(([shard, count]) => `${count} of shard ${shard}`).join(', ');
      throw new EmulatorError(
        'DSO_EMULATOR_NOT_SETTLED',
        `After ${timeoutMs} ms ${total} events were not reported as handled: ${shards}. Report them with ledger.handled(), or wait longer.`,
      );
    }
    await delay(clock, settledPollMs);
  }
}
