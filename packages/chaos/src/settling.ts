/** When the fleet has recovered: everything runs, nothing is under way, nothing of before is still to be handled. */
import type { Ms } from '@dshard/transport';
import { NODES } from './rig.js';
import type { Rig, Status } from './rig.js';

/** What is not as it should be, in words; empty when all is well. `since`: events before it have to be handled. */
export async function unsettled(rig: Rig, since: Ms): Promise<string[]> {
  const status = await rig.status().catch(() => null);
  if (status === null) return ['the orchestrator does not answer'];
  const open = rig.watch.openBefore(since).length;
  const attached = rig.attached();
  const { sockets } = rig.emulator.admin.status();
  return [
    ...unsettledIn(status, rig.shards),
    attached !== rig.shards && `${attached} of ${rig.shards} sessions are connected`,
    sockets !== rig.shards && `${sockets} gateway connections are open for ${rig.shards} shards`,
    open > 0 && `${open} events are handled by nobody so far`,
  ].filter((problem) => problem !== false);
}

function unsettledIn(status: Status, shards: number): string[] {
  const connected = status.nodes.filter(({ connection, intent }) => connection === 'connected' && intent === 'serving');
  const open = status.operations.filter(({ endedAt }) => endedAt === null);
  const { running } = status.shardCounts;
  return [
    running !== shards && `${running} of ${shards} shards run`,
    connected.length < NODES && `${connected.length} of ${NODES} nodes serve`,
    status.nodes.some(({ intent }) => intent === 'shuttingDown') && 'a node is shutting down',
    status.launches.length > 0 && `${status.launches.length} launches are under way`,
    status.migrations.length > 0 && `${status.migrations.length} migrations are open`,
    status.waitingMigrations.length > 0 && `${status.waitingMigrations.length} migrations wait`,
    open.length > 0 && `${open.length} operations are open: ${open.map(({ text }) => text).join(' ')}`,
    status.graceUntil !== null && 'the orchestrator waits for its nodes',
    status.alarm !== null && 'there is an alarm',
    status.quarantined.length > 0 && `${status.quarantined.length} shards are quarantined`,
    status.store.state !== 'open' && `the store is ${status.store.state}`,
  ].filter((problem) => problem !== false);
}
