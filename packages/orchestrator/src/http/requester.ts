/**
 * Who sends a request, as the history is to name them: what they say of themselves in `X-Requested-By` (the command
 * line says `alice@laptop (dso)`), which nobody checks, and the address they come from, which they cannot choose.
 */
import type { FastifyRequest } from 'fastify';

const REQUESTER_HEADER = 'x-requested-by';

const MAX_LENGTH = 120;

export function requesterOf({ headers, socket }: Pick<FastifyRequest, 'headers' | 'socket'>): string {
  const given = headers[REQUESTER_HEADER];
  const name = (Array.isArray(given) ? given.join(' ') : (given ?? '')).replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  const remote = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'an unknown address';
  return `${name === '' ? 'REST' : name.slice(0, MAX_LENGTH)} from ${remote}`;
}
