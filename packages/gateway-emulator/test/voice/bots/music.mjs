// A music bot on discord.js and @discordjs/voice as they come from the registry. It tells its parent what it sees, and
// does what it is told.
import { Readable } from 'node:stream';
import {
  StreamType,
  createAudioPlayer,
  createAudioResource,
  getVoiceConnection,
  joinVoiceChannel,
} from '@discordjs/voice';
import { Client, GatewayIntentBits } from 'discord.js';

const { EMULATOR_API: api, EMULATOR_TOKEN: token } = process.env;
const { Guilds, GuildVoiceStates } = GatewayIntentBits;
const client = new Client({ intents: [Guilds, GuildVoiceStates], rest: { api } });
const say = (kind, more = {}) => process.send({ kind, ...more });

const silence = Buffer.from([0xf8, 0xff, 0xfe]);
function* frames(count) {
  for (let index = 0; index < count; index += 1) yield silence;
}

const orders = {
  join: ({ guildId, channelId }) => {
    const known = getVoiceConnection(guildId);
    const { voiceAdapterCreator: adapterCreator } = client.guilds.cache.get(guildId);
    const connection = joinVoiceChannel({ guildId, channelId, adapterCreator });
    if (connection === known) return;
    connection.on('stateChange', (_before, { status, reason, closeCode }) =>
      say('state', { status, reason, closeCode }),
    );
    connection.on('error', (error) => say('error', { problem: error.message }));
  },
  play: ({ guildId, count }) => {
    const player = createAudioPlayer();
    player.on('stateChange', (_before, { status }) => say('player', { status }));
    getVoiceConnection(guildId).subscribe(player);
    player.play(createAudioResource(Readable.from(frames(count)), { inputType: StreamType.Opus }));
  },
  rejoin: ({ guildId }) => say('rejoined', { sent: getVoiceConnection(guildId).rejoin() }),
  leave: ({ guildId }) => getVoiceConnection(guildId).destroy(),
};

process.on('message', ({ order, ...more }) => orders[order](more));
client.once('clientReady', () => say('ready'));
client.on('error', (error) => say('error', { problem: error.message }));
await client.login(token);
