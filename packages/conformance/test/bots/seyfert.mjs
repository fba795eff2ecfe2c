// A bot as seyfert's documentation has it: a token and intents, and nothing that names an emulator.
import { Client } from 'seyfert';

const client = new Client({
  getRC: () => ({ locations: { base: '.' }, token: process.env.DISCORD_TOKEN, intents: 33281 }),
});
client.logger.active = false;
client.events.values.BOT_READY = {
  data: { name: 'botReady', once: false },
  run: (user) => process.stdout.write(`ready ${user.id} ${client.gateway.size}\n`),
};
client.events.values.MESSAGE_CREATE = {
  data: { name: 'messageCreate', once: false },
  run: async (message) => {
    if (message.content === '!ping') await message.write({ content: 'pong' });
    if (message.content === '!end') process.exit(7);
  },
};
await client.start();
