/** Discord and user code: one session, its events in order, and who gets them. */
import type { Cursor } from '@dshard/node/session';
import { violated, withNode } from './world.js';
import type { Host, World } from './world.js';

function cursorAt(world: World, sequence: number): Cursor {
  return { sessionId: `s${world.discord.session}`, sequence, resumeGatewayUrl: '' };
}

/** User code of `node` gets an event. Invariants 4 and 5: each once, in order; again only after a node died. */
function hand(world: World, node: string, sequence: number): World {
  const got = { ...world, handed: Math.max(world.handed, sequence) };
  if (sequence > world.handed + 1)
    return violated(got, `${node} hands over ${sequence}, and nobody got ${world.handed + 1}`);
  if (sequence <= world.handed && !world.nodeDied) return violated(got, `${node} hands over ${sequence} a second time`);
  return got;
}

function handAll(world: World, node: string, sequences: readonly number[], state: number | null): World {
  let next = world;
  for (const sequence of sequences) next = hand(next, node, sequence);
  const last = sequences.at(-1);
  if (last === undefined) return next;
  const remembered = state === null ? null : last;
  return setHost(next, node, { kind: 'up', cursor: cursorAt(next, last), state: remembered });
}

export function setHost(world: World, id: string, host: Host): World {
  const node = world.nodes.get(id);
  return node === undefined ? world : withNode(world, id, { ...node, host });
}

/** Something happens on the shard. */
export function emit(world: World): World {
  const last = world.discord.last + 1;
  const next: World = { ...world, discord: { ...world.discord, last }, emitsLeft: world.emitsLeft - 1 };
  const { attached } = world.discord;
  const host = attached === null ? undefined : world.nodes.get(attached)?.host;
  if (attached === null || host === undefined) return next;
  if (host.kind === 'up') return handAll(next, attached, [last], host.state);
  return host.kind === 'frozen' ? setHost(next, attached, { ...host, kept: [...host.kept, last] }) : next;
}

/** A new session: what came before is nobody's any more. */
export function identify(world: World, node: string): World {
  const { session, attached } = world.discord;
  const others = [...world.nodes].filter(([id, { host }]) => id !== node && host.kind === 'up').map(([id]) => id);
  const discord = { session: session + 1, last: 0, attached: node };
  const next = setHost({ ...world, discord, handed: 0 }, node, {
    kind: 'up',
    cursor: { sessionId: `s${discord.session}`, sequence: 0, resumeGatewayUrl: '' },
    state: 0,
  });
  if (others.length > 0) return violated(next, `${node} identifies, and ${others.join(', ')} serves the shard`);
  if (session > 0 && !world.nodeDied)
    return violated(next, `${node} identifies, and session ${session} of ${attached ?? 'nobody'} lives`);
  return next;
}

/** RESUME: Discord replays what came after the cursor, and closes the connection of before. */
export function resume(world: World, node: string, cursor: Cursor, state: number | null): World {
  const { session, last } = world.discord;
  if (cursor.sessionId !== `s${session}`) return identify(world, node);
  const serving = [...world.nodes].filter(([id, { host }]) => id !== node && host.kind === 'up').map(([id]) => id);
  let next: World = { ...world, discord: { ...world.discord, attached: node } };
  next = setHost(next, node, { kind: 'up', cursor, state });
  if (serving.length > 0) return violated(next, `${node} resumes the shard, and ${serving.join(', ')} serves it`);
  if (state !== null && state !== cursor.sequence) {
    return violated(next, `${node} resumes from ${cursor.sequence} with the state of ${state}`);
  }
  const replayed = Array.from(
    { length: Math.max(0, last - cursor.sequence) },
    (_, index) => cursor.sequence + 1 + index,
  );
  return handAll(next, node, replayed, state);
}

/** What was kept goes to user code, and the shard goes on with the connection it has. */
export function unfreeze(world: World, node: string): World {
  const host = world.nodes.get(node)?.host;
  if (host?.kind !== 'frozen') return world;
  const { cursor, state, kept } = host;
  const next = handAll(setHost(world, node, { kind: 'up', cursor, state }), node, kept, state);
  // Its connection is gone: it connects anew, from where it is now.
  const now = next.nodes.get(node)?.host;
  return world.discord.attached === node || now?.kind !== 'up' ? next : resume(next, node, now.cursor, now.state);
}

/** The connection is closed so that the session is kept. */
export function detach(world: World, node: string): World {
  return world.discord.attached === node ? { ...world, discord: { ...world.discord, attached: null } } : world;
}
