/**
 * What the orchestrator keeps and says: the record before the message, lists that do not grow, a history that holds by
 * itself, no start of a quarantined shard, and launches that wait after one that failed.
 */
import { TraceChecks } from '@dshard/api/trace';
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';
import type { Checker, MakeChecker, Observation } from '../observation.js';

/**
 * Invariant 9: no message is sent before the record that justifies it is durable. Looked up on the disk at the moment
 * the orchestrator writes to a socket: a shard's epoch, the destination's right to it before its origin closes the
 * session, the permit to identify.
 */
const DURABLE_FIRST = 'no message is sent before the record that justifies it is durable';

type Kept = Extract<Observation, { kind: 'said' }>['kept'];

export const durableFirst: MakeChecker = ({ plan, violated }): Checker => {
  /** By migration: the epoch that its shard is to have. */
  const epochs = new Map<string, number>();
  return {
    see: (observation) => {
      if (observation.kind !== 'said' || !plan.durable) return;
      const { message, kept } = observation;
      if (message.kind === 'transferOpen') epochs.set(message.migrationId, message.epoch ?? 0);
      const lacking = lackingFor(message, kept, epochs);
      if (lacking !== null) violated(DURABLE_FIRST, `${message.kind} was sent, and the disk did not have ${lacking}`);
    },
  };
};

/** What the message says and the disk does not know; null: it knows all of it. */
function lackingFor(message: Message, kept: Kept, epochs: ReadonlyMap<string, number>): string | null {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other messages need no record
  switch (message.kind) {
    case 'startShards': {
      const { shardIds, epochs: named = [] } = message;
      const early = shardIds.find((shard, index) => (named[index] ?? 0) > epochKept(kept, shard));
      return early === undefined ? null : `the epoch of shard ${early}`;
    }
    case 'resumeShards': {
      const early = message.shards.find(({ shardId, epoch = 0 }) => epoch > epochKept(kept, shardId));
      return early === undefined ? null : `the epoch of shard ${early.shardId}`;
    }
    case 'stopShard':
    case 'shardTakenOver':
      return (message.epoch ?? 0) > epochKept(kept, message.shardId) ? `the epoch of shard ${message.shardId}` : null;
    case 'prepareMigration':
    case 'transferOpen': {
      const { nextEpoch = 0 } = (kept('fleet/ids') ?? {}) as { nextEpoch?: number };
      return (message.epoch ?? 0) >= nextEpoch ? `epoch ${message.epoch} of the migration` : null;
    }
    case 'transferRelease': {
      const { shardId, migrationId } = message;
      type Known = { known?: unknown; parked?: unknown };
      const { known = null, parked = null } = (kept(`shard/${shardId}`) ?? {}) as Known;
      // Of what two decisions of a batch say of a shard the last is kept: it was made by one who knew of the release.
      const isPast = epochKept(kept, shardId) > (epochs.get(migrationId) ?? Number.POSITIVE_INFINITY);
      return known === null && parked === null && !isPast ? `the session of shard ${shardId}` : null;
    }
    case 'identifyGranted':
      return isPermitKept(kept, message.shardId) ? null : `the permit of shard ${message.shardId}`;
    default:
      return null;
  }
}

function epochKept(kept: Kept, shard: number): number {
  const { epoch = 0 } = (kept(`shard/${shard}`) ?? {}) as { epoch?: number };
  return epoch;
}

function isPermitKept(kept: Kept, shard: number): boolean {
  const { maxConcurrency = 1 } = (kept('fleet/identifies') ?? {}) as { maxConcurrency?: number };
  const key = shard % Math.max(1, maxConcurrency);
  const { holder = null } = (kept(`identify/${key}`) ?? {}) as { holder?: { shard: number } | null };
  return holder?.shard === shard;
}

/** Invariant 10: memory is bounded: no list of the orchestrator's grows with time or with what peers do. */
const BOUNDED_MEMORY = 'memory is bounded';
const MOST_NODES = 100;
const MOST_VERSIONS = 8;

export const boundedMemory: MakeChecker = ({ plan, violated }): Checker => {
  const boundsOf = (state: OrchestratorState): [what: string, size: number, most: number][] => [
    ['nodes', state.nodes.size, MOST_NODES],
    ['connections', state.connections.size, state.nodes.size],
    ['migrations', state.migrations.size, plan.shards],
    ['waiting migrations', state.waitingMigrations.length, plan.shards],
    ['wishes to identify', state.identifies.waiting.length, plan.shards * Math.max(1, state.nodes.size)],
    ['operations', state.operations.size, state.nodes.size + 1],
    ['start requests', state.startRequests.size, MOST_NODES],
    ['launches', state.launches.size, MOST_NODES],
    ['processes', state.processes.size, MOST_NODES],
    ['versions that crashed', state.crashLoops.size, MOST_VERSIONS],
  ];
  return {
    see: (observation) => {
      if (observation.kind !== 'decided') return;
      for (const [what, size, most] of boundsOf(observation.state)) {
        if (size > most) violated(BOUNDED_MEMORY, `the orchestrator knows of ${size} ${what}, more than ${most}`);
      }
    },
  };
};

// The event history holds by itself: what `dso verify-trace` checks for operators, over what the orchestrator recorded.
//
// How long something took is not judged here: simulated faults take as long as they like, and convergence has a bound
// of its own.

/** Invariant 7 of the design: time without an owner. */
const DURATIONS = 7;

export const historyHolds: MakeChecker = ({ violated }): Checker => {
  const checks = new TraceChecks();
  return {
    see: (observation) => {
      if (observation.kind === 'recorded') checks.see(observation.entry);
    },
    finish: () => {
      for (const { invariant, text } of checks.finish().violations) {
        if (invariant !== DURATIONS) violated(`the event history shows invariant ${invariant} to hold`, text);
      }
    },
  };
};

/**
 * A shard that was quarantined is not started until it is released. A restarted orchestrator begins anew: what it had
 * not stored it never said.
 */
const QUARANTINED = 'a quarantined shard is not started until it is released';

export const quarantine: MakeChecker = ({ plan, violated }): Checker => {
  const quarantined = new Set<number>();
  return {
    see: (observation) => {
      if (observation.kind === 'leads') quarantined.clear();
      // A decision that could not be kept was never made, and is seen here all the same.
      if (observation.kind !== 'decided' || plan.faults.has('disk')) return;
      for (const { name, fields } of observation.entries) {
        const shard = Number(fields['shard']);
        if (name === 'shardQuarantined') quarantined.add(shard);
        else if (name === 'shardUnquarantined') quarantined.delete(shard);
        else if (name === 'shardsStarting') noteStart(fields['shards']);
      }
    },
  };

  function noteStart(shards: unknown): void {
    if (!Array.isArray(shards)) return;
    for (const shard of shards.map(Number)) {
      if (quarantined.has(shard)) violated(QUARANTINED, `shard ${shard} was started`);
    }
  }
};

/**
 * After a launch that failed, nothing is launched for the first pause, but by an operator or an operation. A restarted
 * orchestrator begins anew.
 */
const LAUNCH_PACE = 'launches that nobody asks for wait after one that failed';

export const launchPace: MakeChecker = ({ plan, violated }): Checker => {
  const { launchRetryMs } = plan.settings;
  let notBefore = 0;
  return {
    see: (observation, at) => {
      if (observation.kind === 'leads') notBefore = 0;
      if (observation.kind !== 'decided' || plan.faults.has('disk')) return;
      for (const { name, fields } of observation.entries) {
        if (name === 'launchFailed') notBefore = at + launchRetryMs;
        const isAutomatic = /must be up|has room/.test(String(fields['why']));
        if (name === 'nodeLaunching' && isAutomatic && at < notBefore) {
          violated(LAUNCH_PACE, `one was made ${notBefore - at} ms too early`);
        }
      }
    },
  };
};
