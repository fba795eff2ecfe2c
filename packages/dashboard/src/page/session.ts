/** Who uses this page, and with which role. */
import type { WhoAmI } from '@dshard/api';
import { ask, rememberToken } from './browser-api.js';
import { reopen } from './live.js';
import { session, snapshot } from './store.js';

/** Finds out whether somebody has to log in. */
export async function findSession(): Promise<void> {
  const asked = await ask('whoAmI');
  if (asked.ok) session.value = { kind: 'open', who: asked.body satisfies WhoAmI };
}

/** Resolves with why not. null: it is done. */
export async function logIn(token: string): Promise<string | null> {
  rememberToken(token);
  const asked = await ask('whoAmI');
  if (!asked.ok) return asked.message;
  session.value = { kind: 'open', who: asked.body };
  reopen();
  return null;
}

export function logOut(): void {
  rememberToken(null);
  snapshot.value = null;
  session.value = { kind: 'needed' };
}
