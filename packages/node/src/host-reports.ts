/**
 * What the host says of its shards, made fit for a heartbeat. Hosts are other people's code, often without types, and a
 * heartbeat that cannot be sent costs the node its shards: so what is left out or cannot be used is told as not known,
 * and said once in the log.
 */
import { inspect } from 'node:util';
import { MAX_NAME_LENGTH, MAX_URL_LENGTH, messageOf, SHARD_PHASES } from '@dshard/protocol';
import type { GatewaySession, ShardPhase, ShardReport } from '@dshard/protocol';
import { shardReports } from './session/reports.js';
import type { Cursor, NodeState } from './session/state.js';
import type { ShardHost } from './shard-host.js';

type Given = Readonly<Record<string, unknown>>;

/** `wrong`: what could not be used, by field. */
type Read = { reports: readonly ShardReport[]; wrong: ReadonlyMap<string, unknown> };

export class HostReports {
  readonly #host: Pick<ShardHost, 'report' | 'cursorOf'>;
  readonly #complain: (text: string) => void;
  /** Fields that were complained of. */
  readonly #known = new Set<string>();

  constructor(host: Pick<ShardHost, 'report' | 'cursorOf'>, complain: (text: string) => void) {
    this.#host = host;
    this.#complain = complain;
  }

  /** READY or RESUMED, as far as the host says. */
  isUp(shardId: number): boolean {
    if (this.#host.report === undefined) return true;
    return this.take().some((report) => report.shardId === shardId && report.phase === 'ready');
  }

  /** The session that the host has for the shard now. */
  cursorOf(shardId: number): Cursor | null {
    try {
      return this.#host.cursorOf?.(shardId) ?? null;
    } catch (error) {
      this.#complain(`The host's cursorOf of shard ${shardId} failed: ${messageOf(error)}`);
      return null;
    }
  }

  /** Of every shard of the node. A host that cannot report is taken at its word: what it has started is up. */
  heartbeat({ link, shards, epochs }: NodeState): readonly ShardReport[] {
    const areKnown = link.kind === 'established' && link.capabilities.includes('epochs');
    const unreported = this.#host.report === undefined ? 'ready' : 'connecting';
    return shardReports(shards, this.take(), areKnown ? epochs : null, unreported);
  }

  take(): readonly ShardReport[] {
    let given: unknown;
    try {
      given = this.#host.report?.() ?? [];
    } catch (error) {
      this.#complain(`The host's report failed: ${messageOf(error)}`);
      return [];
    }
    const { reports, wrong } = readReports(given);
    for (const [field, value] of wrong) {
      if (this.#known.has(field)) continue;
      this.#known.add(field);
      this.#complain(
        `The host's report cannot be used as it is: ${field} is ${shown(value)}. It is told as not known.`,
      );
    }
    return reports;
  }
}

function readReports(given: unknown): Read {
  const wrong = new Map<string, unknown>();
  if (!Array.isArray(given)) return { reports: [], wrong: wrong.set('what it returns', given) };
  const reports = given.flatMap((each: unknown) => {
    if (isRecord(each) && isCount(each['shardId'])) return [readReport(each, each['shardId'], wrong)];
    wrong.set('shardId', isRecord(each) ? each['shardId'] : each);
    return [];
  });
  return { reports, wrong };
}

function readReport(given: Given, shardId: number, wrong: Map<string, unknown>): ShardReport {
  const field = <T>(name: string, isFit: (value: unknown) => value is T, otherwise: T): T => {
    const value = given[name];
    if (isFit(value)) return value;
    if (value !== undefined && value !== null) wrong.set(name, value);
    return otherwise;
  };
  const refused = field<number | null>('refused', isCloseCode, null);
  const reason = field<string | null>('reason', isText, null);
  return {
    shardId,
    phase: field('phase', isPhase, 'connecting'),
    pingMs: field('pingMs', isFiniteNumber, -1),
    guilds: field('guilds', isCountOrUnknown, -1),
    events: field('events', isCount, 0),
    session: field<GatewaySession | null>('session', isSession, null),
    ...(refused !== null && { refused }),
    ...(reason !== null && { reason }),
  };
}

function isRecord(value: unknown): value is Given {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isPhase(value: unknown): value is ShardPhase {
  return SHARD_PHASES.some((phase) => phase === value);
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isCountOrUnknown(value: unknown): value is number {
  return isCount(value) || value === -1;
}

function isCloseCode(value: unknown): value is number {
  return isCount(value) && value >= 1_000 && value <= 4_999;
}

function isSession(value: unknown): value is GatewaySession {
  if (!isRecord(value)) return false;
  const { sessionId, sequence, resumeGatewayUrl } = value;
  const isNamed = typeof sessionId === 'string' && sessionId !== '' && sessionId.length <= MAX_NAME_LENGTH;
  return (
    isNamed && isCount(sequence) && typeof resumeGatewayUrl === 'string' && resumeGatewayUrl.length <= MAX_URL_LENGTH
  );
}

function shown(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, 100);
}
