/** Who the bot is, as REST has it. */
import type { REST } from '@discordjs/rest';
import type { Identity } from '../first-ready.js';

/** Rejects as the REST client does. */
export async function identityByRest(rest: REST): Promise<Identity> {
  const [user, application] = await Promise.all([rest.get('/users/@me'), rest.get('/applications/@me')]);
  return { user: user as Identity['user'], application: application as Identity['application'] };
}
