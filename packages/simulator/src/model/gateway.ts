/**
 * Discord, user code, and between the two the product's gateway shards: one session, its events in order, and who gets
 * them. What is asked of Discord, or of the node, is answered at once; time between two attempts is none.
 */
import { cursorOf, FIXED_RULES, initialShard, KEEP_SESSION_CODE } from '@dshard/node/gateway-shard';
import type {
  Decide,
  GatewayShardEffect,
  GatewayShardEvent,
  GatewayShardState,
  Rules,
} from '@dshard/node/gateway-shard';
import type { ResumeHow } from '@dshard/node';
import type { Cursor } from '@dshard/node/session';
import { violated, withNode, type Host, type World } from './world.js';

/** Silence is not modelled, and no wait between attempts. */
const RULES: Rules = {
  ...FIXED_RULES,
  handshakeMs: 1,
  helloMs: 1,
  identifyMs: 1,
  resumeMs: 1,
  closeMs: 1,
  quietMs: 1,
  backoffMinMs: 0,
  backoffMaxMs: 0,
  invalidMinMs: 0,
  invalidMaxMs: 0,
  resumeEveryMs: 0,
};
const GATEWAY_URL = 'wss://gateway.discord.gg/';
/** Another connection resumed the session. */
const DISPLACED_CODE = 4006;

export type HostPhase = 'none' | 'up' | 'frozen' | 'closed' | 'coming';

export function phaseOf(host: Host): HostPhase {
  if (host.kind === 'none') return 'none';
  const { mode, link } = host.machine;
  if (mode.kind === 'stopped') return 'closed';
  if (mode.kind === 'frozen') return 'frozen';
  return mode.kind === 'open' && link.kind === 'ready' ? 'up' : 'coming';
}

export function hostCursor(host: Host): Cursor | null {
  return host.kind === 'none' ? null : cursorOf(host.machine);
}

function hostOf(world: World, id: string): Host {
  return world.nodes.get(id)?.host ?? { kind: 'none' };
}

export function setHost(world: World, id: string, host: Host): World {
  const node = world.nodes.get(id);
  return node === undefined ? world : withNode(world, id, { ...node, host });
}

/** Something happens to the shard on this node, and all that follows of it. */
export function tell(world: World, id: string, event: GatewayShardEvent, decide: Decide): World {
  let next = world;
  const queue = [event];
  for (let first = queue.shift(); first !== undefined; first = queue.shift()) {
    const host = hostOf(next, id);
    if (host.kind === 'none') return next;
    const { state, effects } = decide(host.machine, first, { ms: next.now, draw: 0, trusted: true });
    const machine: GatewayShardState = { ...state, quiet: null, heardAt: 0, lostFrom: null };
    next = setHost(next, id, { ...host, machine });
    for (const effect of effects) {
      const [after, events] = carryOut(next, id, effect, decide);
      next = after;
      queue.push(...events);
    }
  }
  return next;
}

function carryOut(
  world: World,
  id: string,
  effect: GatewayShardEffect,
  decide: Decide,
): [World, readonly GatewayShardEvent[]] {
  switch (effect.kind) {
    case 'askLease':
      return [world, [{ kind: 'lease', outcome: 'confirmed' }]];
    case 'askTrust':
      return [world, [{ kind: 'trust', outcome: 'confirmed' }]];
    case 'locate':
      return [world, [{ kind: 'located', url: GATEWAY_URL }]];
    case 'open':
      return [world, [{ kind: 'hello' }]];
    case 'requestPermit':
      return [world, [{ kind: 'permit' }]];
    case 'identify':
      return identify(world, id, decide);
    case 'resume':
      return resume(world, id, effect.session, decide);
    case 'close': {
      const detached = detach(world, id);
      const isKept = effect.code === KEEP_SESSION_CODE;
      return [
        isKept ? detached : violated(detached, `${id} ends the session`),
        [{ kind: 'closed', code: effect.code }],
      ];
    }
    case 'cut':
      return [detach(world, id), []];
    case 'deliver':
      return [effect.payload.t === 'EVENT' ? hand(world, id, effect.payload.s, effect.redelivered) : world, []];
    case 'gone':
    case 'up':
    case 'endPermit':
    case 'settle':
    case 'missed':
    case 'fail':
    case 'preconnected':
    case 'log':
      return [world, []];
  }
}

/** A shard that this node is told to start, or to resume. */
export function begin(
  world: World,
  id: string,
  { session, state, how }: { session: Cursor | null; state: number | null; how: ResumeHow | null },
  decide: Decide,
): World {
  const [redelivers, loading] = [how?.redelivers ?? false, how?.stateLost ?? false];
  const machine = initialShard({ session, redelivers, loading, rules: RULES });
  const host: Host = { kind: 'shard', machine: { ...machine, gatewayUrl: GATEWAY_URL }, state };
  let next = setHost(world, id, host);
  if (session !== null && state !== null && state !== session.sequence) {
    next = violated(next, `${id} resumes from ${session.sequence} with the state of ${state}`);
  }
  return tell(next, id, { kind: 'connect' }, decide);
}

/** null: it cannot be frozen now. */
export function freeze(world: World, id: string, decide: Decide): [World, Cursor] | null {
  if (phaseOf(hostOf(world, id)) !== 'up') return null;
  const next = tell(world, id, { kind: 'freeze' }, decide);
  const host = hostOf(next, id);
  const cursor = hostCursor(host);
  return phaseOf(host) !== 'frozen' || cursor === null ? null : [next, cursor];
}

/** Its connection is closed with the session kept. What it has of the shard stays. */
export function close(world: World, id: string, decide: Decide): World {
  return tell(world, id, { kind: 'stop', code: KEEP_SESSION_CODE }, decide);
}

/** User code of `node` gets an event. Invariants 4 and 5: each once, in order; again only marked, a node died. */
function hand(world: World, node: string, sequence: number, redelivered: boolean): World {
  const got = remember({ ...world, handed: Math.max(world.handed, sequence) }, node, sequence);
  if (sequence > world.handed + 1)
    return violated(got, `${node} hands over ${sequence}, and nobody got ${world.handed + 1}`);
  if (sequence <= world.handed && !(world.nodeDied && redelivered)) {
    return violated(got, `${node} hands over ${sequence} a second time`);
  }
  return got;
}

/** The last event is in user code's memory, if it has one of the shard. */
function remember(world: World, node: string, sequence: number): World {
  const host = hostOf(world, node);
  return host.kind === 'none' || host.state === null ? world : setHost(world, node, { ...host, state: sequence });
}

function event(sequence: number): GatewayShardEvent {
  return { kind: 'dispatch', payload: { t: 'EVENT', s: sequence } };
}

/** Something happens on the shard. */
export function emit(world: World, decide: Decide): World {
  const last = world.discord.last + 1;
  const next: World = { ...world, discord: { ...world.discord, last }, emitsLeft: world.emitsLeft - 1 };
  const { attached } = world.discord;
  return attached === null ? next : tell(next, attached, event(last), decide);
}

/** A new session: what came before is nobody's any more. */
function identify(world: World, node: string, decide: Decide): [World, readonly GatewayShardEvent[]] {
  const { session, attached } = world.discord;
  const others = [...world.nodes].filter(([id, { host }]) => id !== node && phaseOf(host) === 'up').map(([id]) => id);
  const discord = { session: session + 1, last: 0, attached: node };
  const host = hostOf(world, node);
  let next: World = { ...world, discord, handed: 0 };
  if (host.kind === 'shard') next = setHost(next, node, { ...host, state: 0 });
  if (attached !== null && attached !== node) next = displace(next, attached, decide);
  if (others.length > 0) next = violated(next, `${node} identifies, and ${others.join(', ')} serves the shard`);
  if (session > 0 && !world.nodeDied) {
    next = violated(next, `${node} identifies, and session ${session} of ${attached ?? 'nobody'} lives`);
  }
  const d = { session_id: `s${discord.session}`, resume_gateway_url: '' };
  return [next, [{ kind: 'dispatch', payload: { t: 'READY', s: 0, d } }]];
}

/** RESUME: Discord replays what came after the cursor, and closes the connection of before. */
function resume(world: World, node: string, cursor: Cursor, decide: Decide): [World, readonly GatewayShardEvent[]] {
  const { session, last, attached } = world.discord;
  if (cursor.sessionId !== `s${session}`) return [world, [{ kind: 'invalidSession', resumable: false }]];
  const serving = [...world.nodes].filter(([id, { host }]) => id !== node && phaseOf(host) === 'up').map(([id]) => id);
  let next: World = { ...world, discord: { ...world.discord, attached: node } };
  if (serving.length > 0) next = violated(next, `${node} resumes the shard, and ${serving.join(', ')} serves it`);
  else if (attached !== null && attached !== node) next = displace(next, attached, decide);
  const replayed = Array.from({ length: Math.max(0, last - cursor.sequence) }, (_, index) =>
    event(cursor.sequence + 1 + index),
  );
  return [next, [...replayed, { kind: 'dispatch', payload: { t: 'RESUMED', s: last } }]];
}

function displace(world: World, node: string, decide: Decide): World {
  return tell(world, node, { kind: 'closed', code: DISPLACED_CODE }, decide);
}

/** The gateway connection that has the session just ends. */
export function drop(world: World, decide: Decide): World {
  const { attached } = world.discord;
  return attached === null ? world : tell(detach(world, attached), attached, { kind: 'closed', code: 1006 }, decide);
}

/** The connection is no more. */
export function detach(world: World, node: string): World {
  return world.discord.attached === node ? { ...world, discord: { ...world.discord, attached: null } } : world;
}
