import { describe, expect, test } from 'vitest';
import { trustedResumeUrl } from '../../src/gateway-shard/cursor.js';

const DISCORD = 'wss://gateway.discord.gg';
const LOCAL = 'ws://127.0.0.1:4000';
const PROXY = 'wss://gateway.example.org/';

/** The resume URL, the generic one, and whether the resume URL is used. */
const TABLE: readonly [resumeUrl: string, genericUrl: string | null, isUsed: boolean][] = [
  ['wss://gateway-us-east1-b.discord.gg', DISCORD, true],
  ['wss://gateway-us-east1-b.discord.gg:443/', DISCORD, true],
  ['WSS://Gateway-US-East1-B.Discord.GG', DISCORD, true],
  ['wss://gateway-us-east1-b.discord.gg', null, true],
  ['wss://gateway-us-east1-b.discord.gg', PROXY, true],
  ['wss://gateway-us-east1-b.discord.gg', LOCAL, true],
  [PROXY, PROXY, true],
  ['wss://eu.gateway.example.org', PROXY, true],
  ['wss://gateway.example.org:8443/resume', PROXY, true],
  ['ws://127.0.0.1:4001', LOCAL, true],
  ['wss://127.0.0.1:4001', LOCAL, true],
  // A stranger's host.
  ['wss://gateway.example.com', DISCORD, false],
  ['wss://gateway.discord.gg.example.com', DISCORD, false],
  ['wss://notdiscord.gg', DISCORD, false],
  ['wss://evil-discord.gg', DISCORD, false],
  ['wss://discord.gg@example.com', DISCORD, false],
  ['wss://example.com/?x=.discord.gg', DISCORD, false],
  ['wss://example.com\\.discord.gg', DISCORD, false],
  ['wss://evilgateway.example.org', PROXY, false],
  ['wss://example.org', PROXY, false],
  ['ws://127.0.0.2:4001', LOCAL, false],
  ['wss://127.0.0.1:4001', DISCORD, false],
  ['wss://gateway.example.org', null, false],
  // A weaker scheme.
  ['ws://gateway-us-east1-b.discord.gg', DISCORD, false],
  ['ws://gateway-us-east1-b.discord.gg', null, false],
  ['ws://gateway.example.org/', PROXY, false],
  ['ws://127.0.0.1:4001', null, false],
  // None at all, or one that a socket would throw at.
  ['', DISCORD, false],
  ['nonsense', DISCORD, false],
  ['https://gateway.discord.gg', DISCORD, false],
  ['wss://user@gateway.discord.gg', DISCORD, false],
  ['wss://:secret@gateway.discord.gg', DISCORD, false],
  ['wss://gateway.discord.gg/#part', DISCORD, false],
  ['wss://gateway.discord.gg/#', DISCORD, false],
  // A generic URL that is none vouches for nobody.
  ['ws://127.0.0.1:4001', 'nonsense', false],
  ['wss://127.0.0.1:4001', 'https://127.0.0.1', false],
  ['wss://gateway-us-east1-b.discord.gg', 'nonsense', true],
];

describe('a resume URL', () => {
  test.each(TABLE)('%j with the generic URL %j is used: %j', (resumeUrl, genericUrl, isUsed) => {
    expect(trustedResumeUrl(resumeUrl, genericUrl)).toBe(isUsed ? resumeUrl : '');
  });
});
