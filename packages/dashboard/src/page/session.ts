/** Who uses this page, and with which role. */
import type { WhoAmI } from '@dshard/api';
import { ask, rememberCsrf } from './browser-api.js';
import { reopen } from './live.js';
import { session, snapshot } from './store.js';

/** Finds out whether somebody has to log in. */
export async function findSession(): Promise<void> {
  const asked = await ask('session');
  if (asked.ok) open(asked.body);
}

/** Resolves with why not. null: it is done. */
export async function logIn(token: string): Promise<string | null> {
  const asked = await ask('logIn', { token });
  if (!asked.ok) return asked.message;
  open(asked.body);
  reopen();
  return null;
}

export async function logOut(): Promise<void> {
  await ask('logOut');
  rememberCsrf(null);
  snapshot.value = null;
  session.value = { kind: 'needed' };
}

function open(who: WhoAmI): void {
  rememberCsrf(who.csrf);
  session.value = { kind: 'open', who };
}
