/** What a run begins with: the settings, and what the store remembers. */
import { isLoopback, parseAddress } from '@dshard/transport';
import type { Decide, InitialState } from '../domain/decide.js';
import { restoredState } from '../domain/durable/restore.js';
import { correctingWrites, durableWrites } from '../domain/durable/writes.js';
import type { Settings } from '../domain/state/settings.js';
import type { OrchestratorState } from '../domain/state/state.js';
import type { OrchestratorOptions } from './contract.js';
import { CAPACITY, type History } from './history.js';
import { BACKLOG, type Journal } from './journal.js';

/** The domain's settings: as configured, completed by what only the runtime knows. */
export function settingsOf(options: OrchestratorOptions): Settings {
  const { settings, launcher, token, spool } = options;
  return {
    ...settings,
    parkHost: settings.parkTotalBytes > 0 ? (spool?.host ?? null) : null,
    canLaunch: settings.canLaunch && launcher !== null,
    launchesVersions: launcher?.launchesVersions === true,
    tokenRequired: token !== null,
    expectedNodes: expectedNodes(options),
  };
}

/**
 * The launcher's registry says which nodes of an earlier run still live. Beyond loopback it cannot speak for nodes of
 * other hosts, so there the whole grace is waited for, unless the settings name the nodes.
 */
function expectedNodes({ settings, launcher, listen }: OrchestratorOptions): readonly string[] | null {
  const configured = settings.expectedNodes;
  if (launcher === null) return configured;
  if (configured === null && !isLoopback(parseAddress(listen).host)) return null;
  return [...new Set([...(configured ?? []), ...launcher.running().map(({ node }) => node)])];
}

/** What the store remembers, as the state this run begins with; and what has to be written for both to agree. */
type Recalled = { state: OrchestratorState; writes: ReturnType<typeof correctingWrites> };

/** @param dead nodes the launcher knows to be dead already. */
export async function recall(
  options: OrchestratorOptions,
  { journal, history, dead }: { journal: Journal; history: History; dead: readonly string[] },
  fresh: InitialState,
): Promise<Recalled> {
  const { clock, leadership, logger } = options;
  const settings = settingsOf(options);
  const loaded = await journal.load();
  if (loaded === null) return { state: fresh(settings, clock.now()), writes: [] };
  const { state, warnings } = restoredState(settings, loaded.records, clock.now(), dead);
  const past = await journal.history({ after: null, limit: CAPACITY });
  // A run that crashed may have published entries that it did not get to commit; their ids are not given again.
  const lost = leadership?.before === 'crashed' ? BACKLOG : 0;
  history.recall(past.ok ? past.entries : [], loaded.lastHistoryId + lost);
  for (const warning of warnings) logger.warn({}, warning);
  const { name, epoch } = journal.status;
  const awaited = state.recalled ? (state.awaitedNodes ?? []) : [];
  const waiting = awaited.length === 0 ? '' : ` Waiting for node(s) ${awaited.join(', ')} to come back.`;
  logger.info({ store: name, epoch, awaited }, `The state is kept in ${name}; this is epoch ${epoch}.${waiting}`);
  return { state, writes: correctingWrites(loaded.records, state) };
}

/** The next run is not to wait for nodes that were stopped at the end of this one. */
export async function forgetStopped(
  nodes: readonly string[],
  before: OrchestratorState,
  decide: Decide,
  journal: Journal,
  now: number,
): Promise<OrchestratorState> {
  if (journal.status.name === 'none' || !journal.ready()) return before;
  let state = before;
  for (const node of nodes) {
    state = decide(state, { kind: 'processExited', node, description: 'was stopped' }, now).state;
  }
  const writes = durableWrites(before, state);
  if (writes.length > 0) await journal.commit(writes, []);
  return state;
}
