/** Where something happens and who does it, as requests say it. */
import type { Place } from '../world/places.js';
import type { Body } from './body.js';
import { booleanOf, stringsOf } from './body.js';

export const placeFields = {
  guildId: 'where; default the first guild',
  channelId: 'where; default the first text channel',
  userId: 'who; default somebody by chance',
  direct: '`true`: in a direct channel',
};

export function placeOf(body: Body): Place {
  const direct = booleanOf(body, 'direct', false);
  return { ...stringsOf(body, ['guildId', 'channelId', 'userId']), ...(direct ? { direct } : {}) };
}
