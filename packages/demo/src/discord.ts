/** Discord, as the demo needs it: the gateway emulator, its traffic and its ledger. */
import {
  startGatewayEmulator,
  type EmulatorOptions,
  type GatewayEmulator,
  type HandledEvent,
} from '@dshard/gateway-emulator';
import type { Clock } from '@dshard/transport';
import type { DemoOptions, Scenario } from './options.js';
import type { LedgerFigures } from './verdict.js';

export type Discord = {
  readonly emulator: GatewayEmulator;
  /** The REST API's address. */
  readonly api: string;
  readonly token: string;
  /** For the ledger: a bot process handled an event. */
  handled(node: string, event: HandledEvent): void;
  /** How many events of a shard were handled. */
  handledBy(shard: number): number;
  startTraffic(): void;
  stopTraffic(): void;
  /** Shards whose session has a connection. */
  readyShards(): number;
  /** Whether everything emitted was handled. */
  nothingOnItsWay(): boolean;
  /** `attaches`: how often a connection took up a session, by READY or RESUMED. */
  figures(): { emitted: number; handled: number; identifies: number; attaches: number };
  ledgerFigures(): LedgerFigures;
  /** When each session was begun, ascending, and how many IDENTIFYs came in the window of another. */
  identifyTimes(): { begunAt: readonly number[]; inWrongWindow: number };
  close(): Promise<void>;
};

/** Shards wait there for a node that is still to start: all that comes meanwhile needs room, on a slow machine, too. */
const WITHOUT_A_NODE: ReadonlySet<Scenario> = new Set(['quarantine', 'leave', 'full-restart']);
/** What Discord keeps for a session of a large bot. */
const LARGE_REPLAY_BUFFER = 3_500;

export type World = Pick<
  DemoOptions,
  'shards' | 'guilds' | 'members' | 'rate' | 'seed' | 'maxConcurrency' | 'identifyWindow' | 'scenario'
>;

/** `place`: where the emulator is found, if not on free ports of 127.0.0.1. */
export async function startDiscord(clock: Clock, options: World, place: EmulatorOptions = {}): Promise<Discord> {
  const { shards, guilds, members, rate, seed, maxConcurrency, identifyWindow, scenario } = options;
  const emulator = await startGatewayEmulator(
    {
      shards,
      guilds: shards * guilds,
      members,
      seed,
      maxConcurrency,
      identifyWindowMs: identifyWindow,
      ...place,
      ...(WITHOUT_A_NODE.has(scenario) && { replayBuffer: LARGE_REPLAY_BUFFER }),
    },
    { clock },
  );
  const { ledger, traffic, admin } = emulator;
  const handledBy: number[] = [];
  return {
    emulator,
    api: emulator.apiUrl,
    token: emulator.token,
    handled: (node, event) => {
      handledBy[event.shard] = (handledBy[event.shard] ?? 0) + 1;
      ledger.handled({ node, events: [event] });
    },
    handledBy: (shard) => handledBy[shard] ?? 0,
    startTraffic: () => traffic.start(rate),
    stopTraffic: () => traffic.stop(),
    readyShards: () => admin.status().sessions.filter(({ attached }) => attached).length,
    nothingOnItsWay: () => ledger.outstanding().total === 0,
    figures: () => {
      const { emitted, handled, identifies } = ledger.verdict();
      const attaches = ledger
        .sessions()
        .reduce((sum, { events }) => sum + events.filter(({ kind }) => kind === 'attached').length, 0);
      return { emitted, handled, identifies: identifies.used, attaches };
    },
    ledgerFigures: () => {
      const verdict = ledger.verdict();
      return {
        // What found no session at all was Discord's to emit as well, and is as lost as anything else.
        emitted: verdict.emitted + verdict.missed,
        handled: verdict.handled,
        lost: verdict.lost + verdict.missed,
        duplicated: verdict.duplicated,
        redelivered: verdict.redelivered,
        outOfOrder: verdict.outOfOrder,
        identifiesUsed: verdict.identifies.used,
        findings: [
          ...verdict.examples,
          ...(verdict.unexpected > 0 ? [`${verdict.unexpected} events were handled that were never emitted`] : []),
          ...verdict.violations
            .filter(({ kind }) => kind !== 'double-attach')
            .map(({ kind, message }) => `a rule of Discord was broken (${kind}): ${message}`),
        ],
        doubleAttaches: verdict.violations.filter(({ kind }) => kind === 'double-attach').map(({ message }) => message),
        gapsMs: verdict.gaps.map(({ ms }) => ms),
      };
    },
    identifyTimes: () => ({
      begunAt: ledger
        .sessions()
        .flatMap(({ events }) =>
          events.flatMap((event) => (event.kind === 'attached' && event.resumedFrom === null ? [event.at] : [])),
        )
        .toSorted((a, b) => a - b),
      inWrongWindow: ledger.verdict().identifies.inWrongWindow,
    }),
    close: () => emulator.close(),
  };
}
