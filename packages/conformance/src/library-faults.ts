/**
 * Where a library fails by itself: which check of which case, and the place in the library's source that explains it.
 * Each was read there; a failure that is not listed counts against the emulator.
 */

export type LibraryFault = {
  library: string;
  cases: readonly string[];
  /** The code of the check that fails (`CheckFailed.code`). */
  check: string;
  /** What the library does. */
  does: string;
  /** File and line in the published package. */
  place: string;
  /** What stands there. */
  source: string;
};

const resumesFromBefore =
  'may resume from before events that it has handed on: op 9 reads the sequence while earlier events of the same packet still wait for theirs to be written';
const identifiesAtOnce =
  'identifies at once after op 9, past its own queue, so again and again until the window is over';

export const libraryFaults: readonly LibraryFault[] = [
  {
    library: 'discord.js',
    cases: ['op9-resumable'],
    check: 'duplicated',
    does: resumesFromBefore,
    place: 'node_modules/@discordjs/ws/dist/index.js:1023',
    source: 'const session = await this.strategy.retrieveSessionInfo(this.id);',
  },
  {
    library: '@discordjs/ws',
    cases: ['op9-resumable'],
    check: 'duplicated',
    does: resumesFromBefore,
    place: 'dist/index.js:1105',
    source: 'const session = await this.strategy.retrieveSessionInfo(this.id);',
  },
  {
    library: 'eris',
    cases: ['op9-resumable'],
    check: 'not-resumed',
    does: 'takes every op 9 for one that ends the session, and identifies',
    place: 'lib/gateway/Shard.js:406',
    source: 'case GatewayOPCodes.INVALID_SESSION: {',
  },
  {
    library: 'eris',
    cases: ['op9', 'session-expired'],
    check: 'early-identify',
    does: identifiesAtOnce,
    place: 'lib/gateway/Shard.js:411',
    source: 'this.identify();',
  },
  {
    library: 'oceanic.js',
    cases: ['op9', 'session-expired'],
    check: 'early-identify',
    does: identifiesAtOnce,
    place: 'dist/lib/gateway/Shard.js:243',
    source: 'this.identify();',
  },
  {
    library: 'oceanic.js',
    cases: ['resume-url-dead'],
    check: 'not-back',
    does: 'connects to the resume URL for as long as it has a session, and gives that up after `maxReconnectAttempts`, which is Infinity; `maxResumeAttempts` is read nowhere',
    place: 'dist/lib/gateway/Shard.js:505',
    source: 'if (this.sessionID && this.connectAttempts >= this.client.shards.options.maxReconnectAttempts) {',
  },
  {
    library: '@discordeno/gateway',
    cases: ['op9', 'session-expired'],
    check: 'early-identify',
    does: 'waits 1 to 5 s at random after op 9 and then identifies past its buckets, which are only told of it',
    place: 'dist/esm/manager.js:357',
    source: 'shard?.identify();',
  },
  {
    library: '@discordeno/gateway',
    cases: ['resume-url-dead'],
    check: 'not-back',
    does: 'connects to the resume URL for ever once it had one, to identify as well',
    place: 'dist/esm/Shard.js:53',
    source: 'return this.resumeGatewayUrl || this.gatewayConfig.url;',
  },
  {
    library: 'seyfert',
    cases: ['resume-url-dead'],
    check: 'not-back',
    does: 'connects to the resume URL for ever while it has a session; a refused connection does not end that',
    place: 'lib/websocket/discord/shard.js:74',
    source: 'const url = new URL(this.resumeGatewayURL ?? this.options.info.url);',
  },
  {
    library: 'seyfert',
    cases: ['identify-windows'],
    check: 'early-identify',
    does: 'spreads IDENTIFYs evenly over the 5.5 s instead of leaving them between two of one key',
    place: 'lib/websocket/structures/timeout.js:81',
    source: 'const delay = Math.max(0, this.lastTickAt + this.intervalTime / this.concurrency - Date.now());',
  },
];

export function faultOf(library: string, caseName: string, check: string): LibraryFault | null {
  const isIt = (known: LibraryFault): boolean => known.cases.includes(caseName) && known.check === check;
  return libraryFaults.find((known) => known.library === library && isIt(known)) ?? null;
}
