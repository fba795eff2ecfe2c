/** The gateway as plain functions on plain data, for those who bring their own sockets and clock (the simulator). */
export { connectionClosed, connectionOpened, frameReceived } from './connections.js';
export { dispatch } from './dispatch.js';
export type { TrafficEvent } from './dispatch.js';
export { closeCodes, intents, opcodes } from './discord.js';
export type { Effect } from './effects.js';
export { askToReconnect, deafen, drop, expire, invalidate } from './faults.js';
export type { FaultResult, SessionSelector } from './faults.js';
export { defaultRules } from './rules.js';
export type { GatewayRules } from './rules.js';
export { readBudget } from './limits.js';
export { createGatewayState } from './state.js';
export type { GatewayState } from './state.js';
export { holdSessions, releaseSessions } from './sessions.js';
export { setStartAnswer } from './start-answers.js';
export type { AnswerRule, StartAnswer, StartKind } from './start-answers.js';
export { tick } from './tick.js';
export type { GuildReader, GuildView, MemberView, OwnVoiceState, WorldView } from './world-view.js';
