/** What comes by UDP ("IP Discovery", "Voice Packet Structure"): read without trust, counted, answered if asked. */
import type { VoiceState } from './voice-state.js';

const discoveryBytes = 74;
const discoveryRequest = 1;
const discoveryResponse = 2;
/** Of what follows type and length. */
const discoveryLength = 70;
const addressAt = 8;
const portAt = 72;
const keepAliveBytes = 8;
const rtpHeaderBytes = 12;
const rtpVersion = 2;

/** Returns the answer; null: there is none. Packets of a session that is ready are counted. */
export function voicePacket(state: VoiceState, packet: Buffer, from: { address: string; port: number }): Buffer | null {
  if (packet.byteLength === discoveryBytes && packet.readUInt16BE(0) === discoveryRequest)
    return answerDiscovery(state, packet, from);
  // Libraries send a counter every few seconds, and some want it back.
  if (packet.byteLength === keepAliveBytes) return packet;
  if (packet.byteLength >= rtpHeaderBytes && packet.readUInt8(0) >> 6 === rtpVersion) count(state, packet);
  return null;
}

function answerDiscovery(state: VoiceState, request: Buffer, from: { address: string; port: number }): Buffer | null {
  const ssrc = request.readUInt32BE(4);
  if (request.readUInt16BE(2) !== discoveryLength || sessionOf(state, ssrc) === undefined) return null;
  const answer = Buffer.alloc(discoveryBytes);
  answer.writeUInt16BE(discoveryResponse, 0);
  answer.writeUInt16BE(discoveryLength, 2);
  answer.writeUInt32BE(ssrc, 4);
  answer.write(from.address, addressAt, 'latin1');
  answer.writeUInt16BE(from.port, portAt);
  return answer;
}

function count(state: VoiceState, packet: Buffer): void {
  const session = sessionOf(state, packet.readUInt32BE(8));
  if (session === undefined || session.transport === null) return;
  session.received.packets += 1;
  session.received.bytes += packet.byteLength;
}

function sessionOf(state: VoiceState, ssrc: number): ReturnType<VoiceState['sessions']['get']> {
  return [...state.sessions.values()].find((session) => session.ssrc === ssrc);
}
