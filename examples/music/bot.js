/**
 * A music bot that leaves politely. A shard that is to move waits for the end of the track that plays in it, as long as
 * PATIENCE_MS; the queue, and the place in a track that was not played to its end, move with the shard, and the next
 * process joins and plays on.
 *
 * `!play <seconds>` queues a track for the first voice channel, `!playing` says what plays, `!stop` leaves. The tracks
 * are silence, so that no encoder is needed.
 */
import { Readable } from 'node:stream';
import {
  AudioPlayerStatus,
  StreamType,
  VoiceConnectionStatus,
  createAudioPlayer,
  createAudioResource,
  entersState,
  joinVoiceChannel,
} from '@discordjs/voice';
import { orchestrated } from '@dshard/node/discordjs';
import { ChannelType, Client, Events, GatewayIntentBits } from 'discord.js';

/** Ten minutes suit real tracks. */
const PATIENCE_MS = 20_000;
const FRAME_MS = 20;
const SILENCE = Buffer.from([0xf8, 0xff, 0xfe]);

/** Guild → what plays there. */
const playing = new Map();

function* frames({ seconds }, fromMs) {
  for (let at = fromMs; at < seconds * 1_000; at += FRAME_MS) yield SILENCE;
}

class Music {
  #player = createAudioPlayer();
  #connection;
  #track = null;
  #startedAtMs = 0;
  /** The shard is to leave: called at the end of the track, in place of the next one. */
  #atEnd = null;

  constructor(guild, { channelId, queue = [], positionMs = 0 }) {
    Object.assign(this, { guild, channelId, queue, positionMs });
    const { id: guildId, voiceAdapterCreator: adapterCreator } = guild;
    this.#connection = joinVoiceChannel({ guildId, channelId, adapterCreator });
    this.#connection.subscribe(this.#player);
    this.#connection.on('error', console.error);
    this.#connection.on(VoiceConnectionStatus.Disconnected, () => void this.#disconnected());
    this.#player.on('error', console.error);
    this.#player.on(AudioPlayerStatus.Idle, () => this.#ended());
    this.#next();
  }

  add(track) {
    this.queue.push(track);
    if (this.#track === null && this.#atEnd === null) this.#next();
  }

  #next() {
    this.#track = this.queue[0] ?? null;
    if (this.#track === null) return;
    this.#startedAtMs = this.positionMs;
    this.positionMs = 0;
    const sound = Readable.from(frames(this.#track, this.#startedAtMs));
    this.#player.play(createAudioResource(sound, { inputType: StreamType.Opus }));
  }

  #ended() {
    this.queue.shift();
    this.#track = null;
    if (this.#atEnd === null) this.#next();
    else this.#atEnd();
  }

  /** Somebody moved the bot, and it connects again; or put it out. */
  async #disconnected() {
    try {
      await entersState(this.#connection, VoiceConnectionStatus.Connecting, 5_000);
    } catch {
      this.stop();
    }
  }

  /** Resolves at the end of the track, or when nobody waits any more. */
  endOfTrack(signal) {
    if (this.#track === null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#atEnd = resolve;
      signal.addEventListener('abort', resolve);
    });
  }

  /** What the next process needs. From now on it is that process that plays. */
  export() {
    this.#player.pause();
    return { channelId: this.channelId, queue: this.queue, positionMs: this.#positionMs() };
  }

  /** The shard stays after all. */
  stays() {
    this.#atEnd = null;
    if (this.#track === null) this.#next();
    else this.#player.unpause();
  }

  stop() {
    if (playing.get(this.guild.id) === this) playing.delete(this.guild.id);
    this.queue = [];
    this.#player.stop(true);
    // A shard that moved is not served here: its bot stays in the channel, for the next process.
    if (this.#connection.state.status !== VoiceConnectionStatus.Destroyed) this.#connection.destroy();
  }

  #positionMs() {
    const { resource } = this.#player.state;
    return this.#track === null ? 0 : this.#startedAtMs + (resource?.playbackDuration ?? 0);
  }

  toString() {
    const what = this.#track === null ? 'Nothing' : `Track ${this.#track.number}`;
    return `${what} plays, at ${Math.floor(this.#positionMs() / 1_000)} s, voice ${this.#connection.state.status}`;
  }
}

const client = new Client({
  ...orchestrated({
    patienceMs: PATIENCE_MS,
    exportShard: (shard) => inShard(shard).map((music) => [music.guild.id, music.export()]),
    importShard: (_shard, entries) => entries.forEach(([id, music]) => start(client.guilds.cache.get(id), music)),
  }),
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.MessageContent,
    GatewayIntentBits.GuildVoiceStates,
  ],
  // Discord's own unless DISCORD_API says otherwise: the emulator's, say.
  ...(process.env.DISCORD_API && { rest: { api: process.env.DISCORD_API } }),
});

const inShard = (shard) => [...playing.values()].filter(({ guild }) => guild.shardId === shard);

function start(guild, what) {
  const music = new Music(guild, what);
  playing.set(guild.id, music);
  return music;
}

client.on('shardLeaving', (shard, { waitUntil, signal }) => {
  inShard(shard).forEach((music) => waitUntil(music.endOfTrack(signal)));
});
client.on('shardStays', (shard) => inShard(shard).forEach((music) => music.stays()));
client.on('shardMoved', (shard) => inShard(shard).forEach((music) => music.stop()));

const commands = {
  '!play': (guild, seconds) => {
    const { id: channelId } = guild.channels.cache.find(({ type }) => type === ChannelType.GuildVoice);
    const music = playing.get(guild.id) ?? start(guild, { channelId });
    music.add({ number: music.queue.length + 1, seconds: Number(seconds) });
    return 'Queued';
  },
  '!playing': (guild) => String(playing.get(guild.id) ?? 'Nothing plays'),
  '!stop': (guild) => {
    playing.get(guild.id)?.stop();
    return 'Stopped';
  },
};

client.on(Events.MessageCreate, async (message) => {
  if (!message.guild || message.author.bot) return;
  const [name, argument] = message.content.split(' ');
  if (!Object.hasOwn(commands, name)) return;
  await message.reply(`${commands[name](message.guild, argument)}, says process ${process.pid}`);
});

client.on(Events.Error, console.error);
process.once('SIGTERM', () => client.destroy());

await client.login(process.env.DISCORD_TOKEN);
