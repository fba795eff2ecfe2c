/** Whether what came is an answer of an orchestrator: who answers may be a stranger's server. */
import type { EndpointName, Refusal } from '@dshard/api';
import { printable } from '@dshard/protocol';
import { ClientError } from './errors.js';
import { notOurs, type Place, type Reply } from './transport.js';

/** The document of an answer. Throws what a refusal says. */
export async function documentOf(place: Place, reply: Reply): Promise<unknown> {
  const text = await reply.text();
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw notOurs(place, cause);
  }
  const { status } = reply;
  if (status >= 200 && status < 300) return document;
  const refusal = Object(document) as Partial<Refusal>;
  const message: unknown = refusal.Message;
  if (typeof message !== 'string') throw notOurs(place);
  throw new ClientError('DSO_CLIENT_REFUSED', printable(message), { status, refusal });
}

const LISTS: ReadonlySet<EndpointName> = new Set(['events', 'operations']);
/** What is acted on before anybody sees it. */
const TEXTS: { readonly [Name in EndpointName]?: readonly string[] } = {
  startOperation: ['Message'],
  operation: ['id', 'state', 'text'],
  waitOperation: ['id', 'state', 'text'],
};

/** Whether it may be what was asked for. What else it lacks shows when it is presented. */
export function isAnswerTo(name: EndpointName, document: unknown): boolean {
  if (typeof document !== 'object' || document === null) return false;
  if (LISTS.has(name)) return Array.isArray(document);
  const fields = new Map(Object.entries<unknown>({ ...document }));
  return !Array.isArray(document) && (TEXTS[name] ?? []).every((field) => typeof fields.get(field) === 'string');
}
