/** Asks the orchestrator. The cookie of the session goes along by itself; with it goes its `csrf`. */
import { FORM_CONTENT_TYPE, requestFor, type Answers, type EndpointName, type WrittenParameters } from '@dshard/api';
import { session } from './store.js';

export type Asked<Body> =
  | { readonly ok: true; readonly body: Body }
  | { readonly ok: false; readonly status: number; readonly code: string; readonly message: string };

let csrf: string | null = null;

/** Of the session. null: there is none, as where no token is asked for. */
export function rememberCsrf(given: string | null): void {
  csrf = given;
}

export async function ask<Name extends EndpointName>(
  name: Name,
  parameters: WrittenParameters = {},
  options: { signal?: AbortSignal } = {},
): Promise<Asked<Answers<Name>>> {
  const { method, path, body } = requestFor(name, parameters);
  return send<Answers<Name>>(path, { method, body, ...(options.signal && { signal: options.signal }) });
}

async function send<Body>(
  path: string,
  { method, body, signal }: { method: string; body: string | null; signal?: AbortSignal },
): Promise<Asked<Body>> {
  try {
    const response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        'x-requested-by': 'dashboard',
        ...(csrf !== null && { 'x-dso-csrf': csrf }),
        ...(body !== null && { 'content-type': FORM_CONTENT_TYPE }),
      },
      ...(body !== null && { body }),
      ...(signal && { signal }),
    });
    const answer = (await response.json().catch(() => ({}))) as object;
    if (response.ok) return { ok: true, body: answer as Body };
    if (response.status === 401) session.value = { kind: 'needed' };
    const { Message, code } = answer as { Message?: unknown; code?: unknown };
    const message = typeof Message === 'string' ? Message : `The orchestrator answered ${response.status}.`;
    return { ok: false, status: response.status, code: typeof code === 'string' ? code : '', message };
  } catch {
    return {
      ok: false,
      status: 0,
      code: '',
      message: 'The orchestrator could not be reached. Nothing was changed that it did not confirm.',
    };
  }
}
