/** What the orchestrator does for the entries that only read. */
import { NODE_QUERY, openApiDocument, SHARD_QUERY } from '@dshard/api';
import type { OperationStatus, Takes } from '@dshard/api';
import { delay } from '@dshard/transport';
import { editVersion } from '../domain/access/edit-version.js';
import { conditionsOf } from '../domain/shards/condition.js';
import type { OrchestratorState } from '../domain/state/state.js';
import { failed, refusal } from './answers.js';
import { DOCS_HEADERS, docsPage } from './docs-page.js';
import { found, foundAs, type Asked, type Handled, type Handlers, type Surroundings } from './handler.js';
import { operationOf } from './operation-status.js';
import { isWholeNumber, listed } from './pages.js';
import { rowsOf } from './rows.js';
import { shardsByNode } from './shards-by-node.js';
import { identifiesOf, migrationStatus, nodeStatus } from './v1-status.js';
import { versionsOf } from './versions.js';
import { inWallTime } from './wall-time.js';

/** How often somebody who waits is looked after. */
const LOOK_MS = 100;

type Names =
  | 'shards'
  | 'shard'
  | 'nodes'
  | 'node'
  | 'migrations'
  | 'migration'
  | 'operation'
  | 'waitOperation'
  | 'alarms'
  | 'identifies'
  | 'versions'
  | 'configuration'
  | 'openapi'
  | 'docs';

export const LIST_HANDLERS: Pick<Handlers, Names> = {
  shards({ values }, { orchestrator, clock }) {
    const now = clock.now();
    const rows = rowsOf(orchestrator.state, now);
    const { condition } = values;
    const query = [condition === null ? '' : `state:${condition}`, values.query ?? ''].join(' ');
    const result = listed(
      rows.shardIds.map((id) => rows.shard(id)),
      { ...values, query },
      {
        list: 'shards',
        fields: SHARD_QUERY,
        keyOf: ({ id }) => id,
        isAfter: (id, last) => id > Number(last),
        isKey: isWholeNumber,
      },
    );
    if (!result.ok) return result.refused;
    const { rows: shards, ...page } = result.page;
    return found(inWallTime({ now, ...page, shards }, clock));
  },
  shard({ values: { shard } }, { orchestrator, clock }) {
    const { state } = orchestrator;
    if (state.shards[shard] === undefined) return refusal(404, 'DSO_UNKNOWN_SHARD', noShard(shard, state));
    return found(inWallTime(rowsOf(state, clock.now()).shard(shard), clock));
  },
  nodes({ values }, { orchestrator, clock }) {
    const now = clock.now();
    const rows = rowsOf(orchestrator.state, now);
    const result = listed(
      rows.nodeIds.flatMap((id) => rows.node(id) ?? []),
      values,
      { list: 'nodes', fields: NODE_QUERY, keyOf: ({ id }) => id, isAfter: (id, last) => id > last, isKey: () => true },
    );
    if (!result.ok) return result.refused;
    const { rows: nodes, ...page } = result.page;
    return found(inWallTime({ now, ...page, nodes }, clock));
  },
  node({ values: { node: id } }, { orchestrator, clock }) {
    const { state } = orchestrator;
    const node = state.nodes.get(id);
    if (node === undefined) return refusal(404, 'DSO_UNKNOWN_NODE', `There is no node "${id}".`);
    const shards = shardsByNode(state).get(id) ?? [];
    const status = nodeStatus(node, shards, state, conditionsOf(state, clock.now()));
    return foundAs(editVersion(state, { thing: 'node', id }), inWallTime(status, clock));
  },
  migrations(_, { orchestrator: { state }, clock }) {
    const migrations = [...state.migrations.values()].map(migrationStatus);
    const waiting = state.waitingMigrations.map(({ shard, destination, since }) => ({ shard, destination, since }));
    return found(inWallTime({ now: clock.now(), migrations, waiting }, clock));
  },
  migration({ values: { id } }, { orchestrator, clock }) {
    const migration = orchestrator.state.migrations.get(id);
    if (migration !== undefined) return found(inWallTime(migrationStatus(migration), clock));
    return failed('DSO_UNKNOWN_MIGRATION', `No migration "${id}" is under way. Those that ended are in the history.`);
  },
  operation: ({ values: { id } }, surroundings) => foundOperation(id, surroundings),
  waitOperation,
  alarms: (_, { orchestrator, clock }) => found(inWallTime({ now: clock.now(), alarms: orchestrator.alarms() }, clock)),
  identifies(_, { orchestrator, clock }) {
    const now = clock.now();
    return found(inWallTime({ ...identifiesOf(orchestrator.state, now), now }, clock));
  },
  versions(_, { orchestrator, clock, version }) {
    return found(inWallTime(versionsOf(orchestrator.state, clock.now(), version), clock));
  },
  configuration: (_, { configuration }) => found(configuration),
  openapi: (_, { version }) => found(openApiDocument(version)),
  docs: () => ({ status: 200, body: docsPage(), headers: DOCS_HEADERS }),
};

function noShard(shard: number, { totalShards }: OrchestratorState): string {
  return `There is no shard ${shard}: the total ${totalShards === null ? 'is not decided yet' : `is ${totalShards}`}.`;
}

function foundOperation(id: string, { orchestrator, clock }: Surroundings): Handled<OperationStatus> {
  const operation = operationOf(orchestrator.state, id, clock.now());
  if (operation === undefined) return refusal(404, 'DSO_UNKNOWN_OPERATION', `There is no operation "${id}".`);
  return foundAs(editVersion(orchestrator.state, { thing: 'operation', id }), inWallTime(operation, clock));
}

/** A client that hangs up is not waited for. */
async function waitOperation(
  { values: { id, timeout }, reply }: Asked<Takes<'waitOperation'>>,
  surroundings: Surroundings,
): Promise<Handled<OperationStatus>> {
  const { orchestrator, clock } = surroundings;
  const until = clock.monotonicMs() + timeout;
  for (;;) {
    const isUnderWay = orchestrator.state.operations.has(id);
    if (!isUnderWay || clock.monotonicMs() >= until || reply.raw.destroyed) return foundOperation(id, surroundings);
    await delay(clock, Math.min(LOOK_MS, Math.max(1, until - clock.monotonicMs())));
  }
}
