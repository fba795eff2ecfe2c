import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { systemClock } from '@dshard/transport';
import { expect, test } from 'vitest';
import { Questions } from '../src/questions.js';

test('an unanswered question is lost, one answered twice is repeated, and a deferral is no answer', async () => {
  await using emulator = await startGatewayEmulator({ shards: 1, guilds: 1 });
  const { posted, world, apiUrl, token } = emulator;
  const authorization = `Bot ${token}`;
  const send = (path: string, body: unknown): Promise<Response> =>
    fetch(`${apiUrl}/v10${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await send(`/applications/${world.applicationId}/commands`, { name: 'ping', description: 'p' });
  const guildId = world.guildAt(0).id;
  const questions = new Questions(emulator, systemClock());

  const emitted: { id: string; json: string }[] = [];
  emulator.onEmitted((event) => emitted.push(event));
  const silent = questions.message('!ping', guildId);
  const deferred = questions.command('ping', guildId);
  const twice = questions.message('!ping', guildId);
  const interaction = JSON.parse(emitted.find(({ id }) => id === deferred.id)!.json) as { token: string };
  await send(`/interactions/${deferred.id}/${interaction.token}/callback`, { type: 5 });
  const channelId = world.guildAt(0).textChannels[0]!.id;
  for (const content of ['one', 'two']) {
    await send(`/channels/${channelId}/messages`, { content, message_reference: { message_id: twice.id } });
  }

  const toll = questions.toll([silent, deferred, twice]);
  expect(toll).toMatchObject({ asked: 3, lost: [silent, deferred], repeated: [twice] });
  expect(posted.list({ kind: 'deferral' })).toHaveLength(1);
});
