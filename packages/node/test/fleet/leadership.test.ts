import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXTENDED } from '../fake-orchestrator.js';
import { world } from './fleet-world.js';

leakGuard({ beforeEach, afterEach });

const TRANSFER = { migrationId: 'm', shardId: 0 };
const LOOK_MS = 300;

/** A node, and whether it led at each call of its host. */
async function leading(options: Parameters<typeof world>[0] = {}) {
  const lead = await world(options);
  const terms: AbortSignal[] = [];
  const log: string[] = [];
  lead.node.fleet.onLead((signal) => {
    terms.push(signal);
    log.push('leads');
    signal.addEventListener('abort', () => log.push('leads no more'));
  });
  return { ...lead, terms, log, isLeading: () => terms.some((signal) => !signal.aborted) };
}

describe('what runs once per fleet', () => {
  test('runs where shard 0 is, and nowhere else', async () => {
    const { tell, close, log, clock } = await leading();
    await clock.run(LOOK_MS);
    expect(log).toEqual([]);
    await tell({ kind: 'startShards', shardIds: [0] });
    expect(log).toEqual(['leads']);
    await close();
    expect(log).toEqual(['leads', 'leads no more']);
  });

  test('waits until shard 0 is READY', async () => {
    const { tell, close, log, host, clock } = await leading();
    let phase = 'identifying';
    Object.assign(host, {
      report: () => [{ shardId: 0, phase, pingMs: 1, guilds: 1, events: 0, session: null }],
    });
    await tell({ kind: 'startShards', shardIds: [0] });
    await clock.run(LOOK_MS);
    expect(log).toEqual([]);
    phase = 'ready';
    await clock.run(LOOK_MS);
    expect(log).toEqual(['leads']);
    // A connection that Discord wants anew is no reason to stop a job.
    phase = 'resuming';
    await clock.run(LOOK_MS);
    expect(log).toEqual(['leads']);
    await close();
  });

  test('ends before the shard is frozen, and begins again when the migration is aborted', async () => {
    const { tell, close, log, host } = await leading();
    host.behaviour.freeze = () => {
      log.push('freeze');
      return { sessionId: 's', sequence: 1, resumeGatewayUrl: '' };
    };
    await tell({ kind: 'startShards', shardIds: [0] });
    await tell({ kind: 'transferOpen', ...TRANSFER, role: 'origin', session: null, freezeTimeoutMs: 5_000 });
    await tell({ kind: 'transferCopy', ...TRANSFER, creditBytes: 1_000 });
    expect(log).toEqual(['leads']);
    await tell({ kind: 'transferFreeze', ...TRANSFER });
    expect(log).toEqual(['leads', 'leads no more', 'freeze']);
    await tell({ kind: 'transferAbort', ...TRANSFER, reason: 'test' });
    expect(log).toEqual(['leads', 'leads no more', 'freeze', 'leads']);
    await close();
  });

  test('ends when the lease is over, with an orchestrator that is away as well, and goes on when it is heard of', async () => {
    const { tell, close, log, clock, orchestrator } = await leading();
    await tell({ kind: 'startShards', shardIds: [0] });
    expect(log).toEqual(['leads']);
    orchestrator.greeting = { ...EXTENDED, heartbeatIntervalMs: 1_000, leaseMs: 4_000 };
    orchestrator.peer.cut();
    await clock.run(6_000);
    // Established anew: from here on there is a lease, and nobody answers a heartbeat.
    expect(log.at(-1)).toBe('leads no more');
    const { sequence } = orchestrator.peer.of('heartbeat').at(-1)!;
    orchestrator.peer.send({ kind: 'heartbeatAck', sequence });
    await clock.run(LOOK_MS);
    expect(log.at(-1)).toBe('leads');
    await close();
  });

  test('is not believed in by a process that was stopped: reading the signal reads the clock', async () => {
    const { tell, close, clock, terms, orchestrator } = await leading();
    orchestrator.greeting = { ...EXTENDED, heartbeatIntervalMs: 1_000, leaseMs: 4_000 };
    orchestrator.peer.cut();
    await clock.run(500);
    await tell({ kind: 'startShards', shardIds: [0] });
    const [signal] = terms;
    expect(signal?.aborted).toBe(false);
    // The clock went on, and no timer of this process has run yet.
    const late = clock.now() + 60_000;
    const now = vi.spyOn(clock, 'now').mockReturnValue(late);
    expect(signal?.aborted).toBe(true);
    now.mockRestore();
    await close();
  });

  test('begins after a takeover only when the lease of the lost node is over', async () => {
    const { tell, close, log, clock, orchestrator } = await leading();
    orchestrator.greeting = { ...EXTENDED, heartbeatIntervalMs: 1_000, leaseMs: 20_000 };
    orchestrator.onMessage = (peer, message) => {
      if (message.kind === 'heartbeat') peer.send({ kind: 'heartbeatAck', sequence: message.sequence });
    };
    orchestrator.peer.cut();
    await clock.run(500);
    const session = { sessionId: 's', sequence: 1, resumeGatewayUrl: '' };
    await tell({ kind: 'prepareMigration', origin: false, shardId: 0, session, takeover: 'checkpoint' });
    await tell({ kind: 'allUserDataSent', numEvents: 0 });
    await clock.run(19_000);
    expect(log).toEqual([]);
    await clock.run(2_000);
    expect(log).toEqual(['leads']);
    await close();
  });

  test('is logged when it fails, and can be taken off', async () => {
    const errors: string[] = [];
    const { tell, close, node, clock } = await world();
    node.on('error', ({ message }) => errors.push(message));
    node.fleet.onLead(() => Promise.reject(new Error('no database')));
    node.fleet.onLead(() => {
      throw new Error('no config');
    });
    await tell({ kind: 'startShards', shardIds: [0] });
    expect(errors).toEqual(['A run of onLead failed: no config', 'A run of onLead failed: no database']);
    const terms: AbortSignal[] = [];
    const takeOff = node.fleet.onLead((signal) => terms.push(signal));
    await clock.run(LOOK_MS);
    expect(terms.map(({ aborted }) => aborted)).toEqual([false]);
    takeOff();
    expect(terms.map(({ aborted }) => aborted)).toEqual([true]);
    await close();
  });
});
