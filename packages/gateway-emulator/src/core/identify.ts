/** IDENTIFY: the checks in Discord's order, then READY and the guilds, or the close code or op 9 that the client has earned. */
import type { Ms } from '@dshard/transport';
import type { IdentifyFrame, ShardTuple } from './client-frame.js';
import { closeCodes, intents, knownIntents } from './discord.js';
import { deliver } from './dispatch.js';
import type { Effect } from './effects.js';
import { enterIdentifyWindow } from './identify-windows.js';
import { dispatchText } from './payloads.js';
import { createReplayBuffer, replayCapacityFor } from './replay-buffer.js';
import { takeSessionStart } from './session-start-budget.js';
import type { Connection, GatewayState, Session } from './state.js';
import { addSession, attach, closeConnection } from './state.js';
import { revokeToken } from './token.js';
import { recordViolation } from './violations.js';

type Accepted = { shard: ShardTuple; intents: number; largeThreshold: number };

export function identify(
  state: GatewayState,
  connection: Connection,
  frame: IdentifyFrame,
  now: Ms,
  out: Effect[],
): void {
  const checked = checkIdentify(state, frame);
  if ('code' in checked) {
    recordViolation(connection, 'bad-identify', `${checked.reason} Closed with ${checked.code}.`, now, out);
    closeConnection(state, connection, checked.code, checked.reason, now, out);
    return;
  }
  const [shard, count] = checked.shard;
  const recordIdentify = (outcome: 'early' | 'over-budget'): void => {
    out.push({ kind: 'record', record: { kind: 'identify', at: now, shard, count, outcome, sessionId: null } });
  };
  // Whether Discord charges an IDENTIFY that it then refuses for its window is not known; the emulator does.
  if (!takeSessionStart(state.budget, now)) {
    const message = `Shard ${shard} identified with no session start left: the token is reset.`;
    recordViolation(connection, 'budget-exhausted', message, now, out, shard);
    recordIdentify('over-budget');
    revokeToken(state, now, out);
    closeConnection(state, connection, closeCodes.authenticationFailed, 'Authentication failed.', now, out);
    return;
  }
  const entry = enterIdentifyWindow(state.windows, shard, now);
  if (!entry.admitted) {
    const key = shard % state.windows.maxConcurrency;
    const message = `Shard ${shard} identified ${Math.ceil(entry.earlyMs)} ms too early for key ${key}.`;
    recordViolation(connection, 'early-identify', message, now, out, shard);
    recordIdentify('early');
    connection.phase = { kind: 'refused', answerAt: now + state.rules.earlyIdentifyDelayMs };
    return;
  }
  startSession(state, connection, checked, now, out);
}

/** Whether a token names our bot. IDENTIFY takes it bare or with `Bot ` before it. */
function tokenMatches(state: GatewayState, token: string): boolean {
  return state.token !== null && token.replace(/^Bot /, '') === state.token;
}

function checkIdentify(state: GatewayState, frame: IdentifyFrame): Accepted | { code: number; reason: string } {
  const { rules } = state;
  if (!tokenMatches(state, frame.token))
    return { code: closeCodes.authenticationFailed, reason: 'Authentication failed.' };
  if (frame.intents === 'invalid' || (frame.intents & ~knownIntents) !== 0 || frame.intents > knownIntents) {
    return { code: closeCodes.invalidIntents, reason: 'Invalid intent(s).' };
  }
  if ((frame.intents & rules.disallowedIntents) !== 0) {
    return { code: closeCodes.disallowedIntents, reason: 'Disallowed intent(s).' };
  }
  if (frame.shard === 'invalid') return { code: closeCodes.invalidShard, reason: 'Invalid shard.' };
  const [shard, count] = frame.shard;
  if (count % rules.shardCountMultiple !== 0) {
    return {
      code: closeCodes.invalidShard,
      reason: `The shard count must be a multiple of ${rules.shardCountMultiple}.`,
    };
  }
  if (state.world.guildIdsOf(shard, count).length > rules.maxGuildsPerShard) {
    return { code: closeCodes.shardingRequired, reason: 'Sharding required.' };
  }
  return { shard: frame.shard, intents: frame.intents, largeThreshold: frame.largeThreshold };
}

function startSession(state: GatewayState, connection: Connection, accepted: Accepted, now: Ms, out: Effect[]): void {
  const [shard, count] = accepted.shard;
  const guildIds = state.world.guildIdsOf(shard, count);
  const { replayBuffer } = state.rules;
  const session: Session = {
    id: newSessionId(state),
    shard,
    count,
    intents: accepted.intents,
    largeThreshold: accepted.largeThreshold,
    seq: 0,
    replay: createReplayBuffer(replayBuffer === 'by-guilds' ? replayCapacityFor(guildIds.length) : replayBuffer),
    attachment: { kind: 'attached', connection },
  };
  addSession(state, session);
  attach(session, connection);
  const at = now;
  out.push({
    kind: 'record',
    record: { kind: 'identify', at, shard, count, outcome: 'admitted', sessionId: session.id },
  });
  out.push({
    kind: 'record',
    record: {
      kind: 'attached',
      at,
      sessionId: session.id,
      shard,
      count,
      connection: connection.id,
      resumedFrom: null,
      replayed: 0,
    },
  });
  session.seq = 1;
  out.push({
    kind: 'send',
    connection: connection.id,
    text: dispatchText('READY', 1, readyJson(state, session, guildIds)),
  });
  if ((session.intents & intents.guilds) === 0) return;
  for (const id of guildIds) {
    const json = state.world.guild(id)?.createJson(session);
    if (json !== undefined) deliver(session, { type: 'GUILD_CREATE', json, eventId: null }, out);
  }
}

function readyJson(state: GatewayState, session: Session, guildIds: readonly string[]): string {
  const fixed = JSON.stringify({
    v: 10,
    session_id: session.id,
    resume_gateway_url: state.resumeGatewayUrl,
    shard: [session.shard, session.count],
    guilds: guildIds.map((id) => ({ id, unavailable: true })),
    user_settings: {},
    relationships: [],
    private_channels: [],
    presences: [],
    guild_join_requests: [],
    geo_ordered_rtc_regions: [],
    _trace: [],
  });
  return `{"user":${state.world.userJson},"application":${state.world.applicationJson},${fixed.slice(1)}`;
}

function newSessionId(state: GatewayState): string {
  let id = '';
  while (id.length < 32) id += Math.floor(state.random.next() * 16).toString(16);
  return id;
}
