/** What the program says when it is ready, and when it ends. */
import type { GatewayEmulator } from './emulator.js';
import { libraryLines } from './library-lines.js';

export function greeting(gateway: GatewayEmulator, { maxConcurrency }: { maxConcurrency: number }): string {
  const { url, resumeUrl, apiUrl, httpUrl, token, ca, voiceEndpoint, world, traffic } = gateway;
  const rate = traffic.rate === 0 ? 'no traffic yet' : `${traffic.rate} events a second`;
  const curl = ca === null ? 'curl' : `curl --cacert ${ca.path}`;
  const voice = voiceEndpoint === null ? '' : `\n  voice         wss://${voiceEndpoint}`;
  const json = `-H 'content-type: application/json'`;
  const trust = ca === null ? '' : `\n  trust         NODE_EXTRA_CA_CERTS=${ca.path}, in the environment of the bot`;
  const libraries = libraryLines(gateway).map(
    ({ library, lines }) => `  ${library}\n${lines.map((line) => `    ${line}\n`).join('')}`,
  );
  return `Gateway emulator with ${world.guildCount} guilds and ${rate}, ready. IDENTIFYs: ${maxConcurrency} at a time, as /gateway/bot says.

  gateway       ${url}
  resume host   ${resumeUrl}${voice}
  Discord REST  ${apiUrl}
  token         ${token}${trust}
  admin         ${httpUrl}/emulator       what there is
                ${httpUrl}/emulator/status
                ${httpUrl}/ledger         what was emitted, handled, lost

Point a bot at it:

${libraries.join('\n')}
Talk to it, and read its answers:

  ${curl} -X POST ${httpUrl}/emulator/say ${json} -d '{"content":"!ping"}'
  ${curl} -X POST ${httpUrl}/emulator/command ${json} -d '{"name":"ping"}'
  ${curl} ${httpUrl}/emulator/posted

Ctrl-C stops it.`;
}

export function farewell(gateway: GatewayEmulator): string {
  const { emitted, identifies, violations } = gateway.ledger.verdict();
  return `Stopped after ${emitted} events to sessions, ${identifies.used} identifies, ${violations.length} violations.`;
}
