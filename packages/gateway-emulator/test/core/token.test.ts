import { describe, expect, test } from 'vitest';
import { botIdIn, defaultToken } from '../../src/core/token.js';
import { defaultBotId } from '../../src/world/users.js';
import { World } from '../../src/world/world.js';
import { Harness, token } from './harness.js';

describe('the token', () => {
  test('of the emulator has three parts of base64url and names its bot, and so does the bot', () => {
    expect(defaultToken.split('.')).toHaveLength(3);
    expect(defaultToken).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    // As discordeno and seyfert read it.
    expect(atob(defaultToken.split('.')[0] ?? '')).toBe(defaultBotId);
    expect(new World({ seed: 1, guilds: 1 }).userId).toBe(defaultBotId);
  });

  test('of Discord names a bot; anything else names none', () => {
    const id = '1034567890123456789';
    expect(botIdIn(`${Buffer.from(id).toString('base64url')}.GhIjKl.secret`)).toBe(id);
    for (const other of ['emulator-token', '', 'a.b.c', `${Buffer.from(id).toString('base64url')}.x`, '..'])
      expect(botIdIn(other)).toBeNull();
  });

  test('that was the default of 0.1.0 is taken as long as there is no other', () => {
    const harness = new Harness({ guilds: 0, identifyWindowMs: 0 });
    const client = harness.connect().identify([0, 1], { token: 'emulator-token' });
    expect(client.seen).toContain('READY');
    client.close(4200);
    const old = { token: 'Bot emulator-token' };
    expect(harness.connect().resume(client.sessionId, 1, old).last?.t).toBe('RESUMED');
    harness.state.token = 'another';
    expect(harness.connect().identify([0, 1], old).closedWith).toBe(4004);
    expect(harness.connect().identify([0, 1], { token }).closedWith).toBe(4004);
  });
});

test('a bot takes the id that its token names, in its guilds too', () => {
  const botId = '1034567890123456789';
  const world = new World({ seed: 1, guilds: 2, botId });
  expect([world.userId, world.applicationId]).toEqual([botId, botId]);
  expect(world.guildAt(1).memberView(botId)?.userId).toBe(botId);
});
