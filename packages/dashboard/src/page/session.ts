/** Who uses this page, and with which role. */
import type { WhoAmI } from '@dshard/api';
import { ask, rememberCsrf, send } from './browser-api.js';
import { reopen } from './live.js';
import { session, snapshot } from './store.js';

const PATH = '/v1/session';

type LoggedIn = WhoAmI & { csrf?: string };

/** Finds out whether somebody has to log in. */
export async function findSession(): Promise<void> {
  const asked = await send<LoggedIn>('/v1/whoami', { method: 'GET', body: null });
  if (!asked.ok) return;
  rememberCsrf(asked.body.csrf ?? null);
  session.value = { kind: 'open', who: asked.body };
}

/** Resolves with why not. null: it is done. */
export async function logIn(token: string): Promise<string | null> {
  const asked = await send<LoggedIn>(PATH, { method: 'POST', body: new URLSearchParams({ token }).toString() });
  if (!asked.ok) return asked.message;
  rememberCsrf(asked.body.csrf ?? null);
  await findSession();
  reopen();
  return null;
}

export async function logOut(): Promise<void> {
  await send(PATH, { method: 'DELETE', body: null });
  rememberCsrf(null);
  snapshot.value = null;
  session.value = { kind: 'needed' };
  await ask('whoAmI');
}
