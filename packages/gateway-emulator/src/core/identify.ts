/**
 * IDENTIFY ("Gateway: Identifying"): the checks, then READY as sequence 1 and the guilds, or the close code or op 9
 * that the client has earned. The causes of 4004, 4010, 4011, 4013 and 4014 are those of "Gateway Close Event Codes";
 * which of several is told first is not documented.
 */
import type { Ms } from '@dshard/transport';
import { bareToken, isBotToken, revokeToken } from './token.js';
import type { IdentifyFrame, ShardTuple } from './client-frame.js';
import { closeCodes, intents, knownIntents } from './discord.js';
import { greetGuild } from './availability.js';
import { answer, wants } from './dispatch.js';
import { dispatchText, invalidSessionText, sendText, recordViolation, type Effect } from './effects.js';
import { enterIdentifyWindow, takeSessionStart } from './limits.js';
import { createReplayBuffer, replayCapacityFor } from './replay-buffer.js';
import type { Connection, GatewayState, Session } from './state.js';
import { addSession, attach, closeConnection } from './sessions.js';
import { startAnswer } from './start-answers.js';
import { isThrottled } from './faults.js';

type Accepted = { shard: ShardTuple; frame: IdentifyFrame; intents: number };

export function identify(
  state: GatewayState,
  connection: Connection,
  frame: IdentifyFrame,
  now: Ms,
  out: Effect[],
): void {
  state.asked.identify += 1;
  const checked = checkIdentify(state, frame);
  if ('code' in checked) {
    recordViolation(connection, 'bad-identify', `${checked.reason} Closed with ${checked.code}.`, now, out);
    closeConnection(state, connection, checked.code, checked.reason, now, out);
    return;
  }
  const [shard, count] = checked.shard;
  const answer = startAnswer(state.answers, 'identify', shard, now);
  if (answer === 'never') {
    connection.phase = { kind: 'silenced' };
    return;
  }
  if (answer !== 'serve' || isThrottled(state, now)) {
    sendText(connection, invalidSessionText(answer === 'resumable'), out);
    return;
  }
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

function checkIdentify(state: GatewayState, frame: IdentifyFrame): Accepted | { code: number; reason: string } {
  const { rules } = state;
  // It takes the token bare or with `Bot ` before it (as gateway proxies found).
  if (!isBotToken(state, bareToken(frame.token)))
    return { code: closeCodes.authenticationFailed, reason: 'Authentication failed.' };
  if (frame.intents === 'invalid' || (frame.intents & ~knownIntents) !== 0 || frame.intents > knownIntents) {
    return { code: closeCodes.invalidIntents, reason: 'Invalid intent(s).' };
  }
  if ((frame.intents & state.disallowedIntents) !== 0) {
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
  return { shard: frame.shard, frame, intents: frame.intents };
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
    largeThreshold: accepted.frame.largeThreshold,
    compress: accepted.frame.compress,
    presence: accepted.frame.presence,
    seq: 0,
    replay: createReplayBuffer(
      replayBuffer === 'by-guilds' ? replayCapacityFor(guildIds.length) : replayBuffer,
      state.rules.replayBufferBytes,
    ),
    attachment: { kind: 'attached', connection },
    echoes: [],
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
  sendText(connection, dispatchText('READY', 1, readyJson(state, connection, session, guildIds)), out);
  if (!wants(session, intents.guilds)) return;
  for (const id of guildIds) {
    const guild = state.world.guild(id);
    if (guild === null) continue;
    const { type, json } = greetGuild(state, guild, session);
    answer(session, type, json, out);
  }
}

function readyJson(state: GatewayState, connection: Connection, session: Session, guildIds: readonly string[]): string {
  const fixed = JSON.stringify({
    v: connection.version,
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
