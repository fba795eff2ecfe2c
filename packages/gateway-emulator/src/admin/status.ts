/** What is going on, for operators and their programs. */
import { replayableCount } from '../core/replay-buffer.js';
import { standingAnswers, type AnswerRule, type StartAnswer, type StartKind } from '../core/start-answers.js';
import { readBudget } from '../core/limits.js';
import type { VoiceStatus } from '../server/voice-edge.js';
import type { HostMode } from '../server/gateway-host.js';
import type { AdminOptions } from './admin.js';

export type SessionStatus = {
  sessionId: string;
  shard: number;
  count: number;
  intents: number;
  sequence: number;
  /** Events that a RESUME could replay. */
  replayable: number;
  attached: boolean;
  /** What the bot shows of itself. */
  presence: string;
  /** The names of what it says it is doing. */
  activities: readonly string[];
};

export type EmulatorStatus = {
  sockets: number;
  sessions: SessionStatus[];
  identifies: { total: number; remaining: number; resetAfterMs: number };
  tokenValid: boolean;
  traffic: { rate: number; made: number };
  gateway: HostMode;
  resumeHost: HostMode;
  /** The gateway is away, and sessions wait for it without end. */
  sessionsHeld: boolean;
  /** How many IDENTIFYs and RESUMEs were sent, however they were answered. */
  asked: { identify: number; resume: number };
  /** How starts are answered where not as always; the newest last. `shards` null: all, `until` null: until undone. */
  answers: { to: StartKind; answer: StartAnswer; shards: number[] | null; until: number | null }[];
  /** Intent bits that were not granted. */
  disallowedIntents: number;
  /** Guilds in an outage. */
  unavailableGuilds: string[];
  /** The bot's voice channels. */
  voice: {
    guildId: string;
    channelId: string;
    sessionId: string;
    /** What the voice gateway knows of it; null: it has not identified there. */
    server: VoiceStatus | null;
  }[];
};

const kinds: readonly StartKind[] = ['identify', 'resume'];

export function statusOf({ state, clock, gatewayHost, resumeHost, traffic, voice }: AdminOptions): EmulatorStatus {
  return {
    sockets: state.connections.size,
    sessions: [...state.sessions.values()].map((session) => ({
      sessionId: session.id,
      shard: session.shard,
      count: session.count,
      intents: session.intents,
      sequence: session.seq,
      replayable: replayableCount(session.replay),
      attached: session.attachment.kind === 'attached',
      presence: session.presence.status,
      activities: session.presence.activities,
    })),
    identifies: readBudget(state.budget, clock.now()),
    tokenValid: state.token !== null,
    traffic: { rate: traffic.rate, made: traffic.made },
    gateway: gatewayHost.mode,
    resumeHost: resumeHost.mode,
    sessionsHeld: state.sessionsHeld,
    asked: { ...state.asked },
    answers: kinds.flatMap((to) =>
      standingAnswers(state.answers, to, clock.now()).map((rule) => shownAnswer(to, rule)),
    ),
    disallowedIntents: state.disallowedIntents,
    unavailableGuilds: [...state.unavailable.values()],
    voice: [...state.voice].map(([guildId, { channelId, sessionId }]) => ({
      guildId,
      channelId,
      sessionId,
      server: voice?.status(guildId) ?? null,
    })),
  };
}

function shownAnswer(to: StartKind, { answer, shards, until }: AnswerRule): EmulatorStatus['answers'][number] {
  return { to, answer, shards: shards === null ? null : [...shards], until };
}
