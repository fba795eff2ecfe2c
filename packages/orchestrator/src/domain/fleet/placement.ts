/**
 * Starts what nobody runs, where `place` says, and leaves in the state why a shard is not started.
 *
 * Nothing is placed before the grace is over, unless the store told who had which shards. While nodes may still come
 * (`expected.ts`), no node takes more than its fair share of the shards that have to identify. Those with a session to
 * resume do not wait, since sessions die within a minute or two; only where the whole fleet is new, so that nobody here
 * was there when the shard lost its node, they are kept for a while for those who come next. When launches fail, the
 * others take it all rather than leave shards down. A node resumes `takeoversPerNode` shards at once, so that after a
 * loss the survivors share the work, and each gets more when it is done with those. A node on probation takes one shard
 * (`crash-loop.ts`). Without ensureAllShardsRunning only shards whose session a connected node holds (a migration that
 * broke) are started: on that node.
 *
 * Who holds a session has the shard's state, too. So a node that is cordoned or drained gets back what it holds (a
 * drain moves it again, and its state with it), and after a restart the shard of a broken migration waits for its
 * origin as long as the grace lasts.
 *
 * An event costs nothing here while no shard is vacant.
 */
import { counted } from '@dshard/protocol';
import { isOnProbation } from './crash-loop.js';
import { isUnresponsive } from './unresponsive.js';
import { expectedNodes, limitOf, newestVersion, RESUME_PATIENCE_MS, shareOf, type Expected } from './expected.js';
import { launchForRoom } from './launch.js';
import { assignmentOf } from '../state/epochs.js';
import { isCordoned } from '../state/hosts.js';
import { unsettledNodes } from '../state/node-survey.js';
import { can, drainedBy, isConnected, isLeaving } from '../state/nodes.js';
import { isHeldBack, replacedBy } from '../state/versions.js';
import { isQuarantined, isCrashSuspect, mayTakeCrashSuspect } from '../shards/quarantine.js';
import { startOn } from '../shards/start.js';
import type { NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { weightOf } from './weights.js';
import { fairShare, place, type Openness, type Placement, type PlaceNode } from './place.js';

/** Why a shard is not started, by shard. */
type Reasons = Map<number, string>;

export function placeVacant(tx: Transaction): void {
  const { graceUntil, recalled, ending, totalShards } = tx.state;
  const reasons: Reasons = new Map();
  const mayPlace = (graceUntil === null || recalled) && ending === null && totalShards !== null;
  if (mayPlace && tx.survey().vacant.length > 0) placeDue(tx, reasons);
  const { unplaced } = tx.state;
  const isSame = unplaced.size === reasons.size && [...reasons].every(([shard, why]) => unplaced.get(shard) === why);
  if (!isSame) tx.patch({ unplaced: reasons });
}

function placeDue(tx: Transaction, reasons: Reasons): void {
  const holders = holdersOf(tx);
  const vacant = due(tx).filter((shard) => {
    const awaited = holders.has(shard) ? null : awaitedHolder(tx, shard);
    if (awaited !== null) reasons.set(shard, `node ${awaited} may come back, which has the state of the shard`);
    return awaited === null;
  });
  if (vacant.length === 0) return;
  if (!tx.settings.ensureAllShardsRunning) return giveBack(tx, vacant, holders);
  const isGivenBack = (shard: number): boolean => {
    const holder = tx.node(holders.get(shard) ?? '');
    return holder !== undefined && opennessOf(tx, holder) !== 'open';
  };
  giveBack(tx, vacant.filter(isGivenBack), holders);
  const others = vacant.filter((shard) => !isGivenBack(shard));
  if (others.length > 0) new Placing(tx, holders, reasons).placeAll(others);
}

/** The origin of a migration that our crash broke is on its way back: it has the shard, or its session and state. */
function awaitedHolder(tx: Transaction, shard: number): string | null {
  const { before } = assignmentOf(tx.state, shard);
  const origin = before === null ? undefined : tx.node(before.node);
  const isAwaited =
    tx.state.graceUntil !== null && origin?.connection.kind === 'disconnected' && !origin.connection.gone;
  return isAwaited ? origin.id : null;
}

/** Vacant shards that may be started now. */
function due(tx: Transaction): readonly number[] {
  const ours = tx.settings.responsibleForShards;
  const isOurs = ours === null ? null : new Set(ours);
  return tx.survey().vacant.filter((shard) => {
    const state = tx.shard(shard);
    const isDue = state?.kind === 'vacant' && state.notBefore <= tx.now && (isOurs === null || isOurs.has(shard));
    return isDue && !isQuarantined(tx, shard);
  });
}

/** One look at all shards that are due. */
class Placing {
  readonly #tx: Transaction;
  readonly #holders: ReadonlyMap<number, string>;
  readonly #reasons: Reasons;
  readonly #expected: Expected;
  readonly #limit: number | null;
  readonly #share: number | null;
  readonly #newest: string | null;

  constructor(tx: Transaction, holders: ReadonlyMap<number, string>, reasons: Reasons) {
    this.#tx = tx;
    this.#holders = holders;
    this.#reasons = reasons;
    this.#expected = expectedNodes(tx);
    this.#limit = limitOf(tx);
    this.#share = shareOf(tx, this.#expected);
    this.#newest = newestVersion(tx, this.#expected.open);
  }

  placeAll(vacant: readonly number[]): void {
    const { crashSuspects, resumable, others } = byCare(this.#tx, vacant);
    const pace = (node: NodeState): number => takeoversLeft(this.#tx, node);
    const kept = resumable.filter((shard) => this.#isKept(shard));
    this.#start(difference(resumable, kept), pace);
    this.#startWithin(kept, pace);
    const shared = others.filter((shard) => this.#expected.launched > 0 || this.#isKept(shard));
    this.#start(difference(others, shared), () => Infinity);
    this.#startWithin(shared, () => Infinity);
    for (const shard of crashSuspects) {
      const { noRoom, waiting } = this.#place([shard], this.#limit, (node) =>
        mayTakeCrashSuspect(this.#tx, node, shard) ? 1 : 0,
      );
      if (noRoom.length > 0) this.#noRoom(noRoom);
      else if (waiting.length > 0) this.#reasons.set(shard, 'a node died when it was started there: it is tried alone');
    }
  }

  /** Whether the shard is kept for a node that may still come: nobody who is here was there when it lost its node. */
  #isKept(shard: number): boolean {
    const state = this.#tx.shard(shard);
    if (this.#share === null || state?.kind !== 'vacant') return false;
    if (this.#expected.open.some(({ joinedAt }) => joinedAt < state.since)) return false;
    return state.known === null || state.since + RESUME_PATIENCE_MS > this.#tx.now;
  }

  #start(shards: readonly number[], takes: (node: NodeState) => number): void {
    if (shards.length > 0) this.#noRoom(this.#place(shards, this.#limit, takes).noRoom);
  }

  /** No node gets more than its share. */
  #startWithin(shards: readonly number[], takes: (node: NodeState) => number): void {
    if (shards.length === 0 || this.#share === null) return;
    const { noRoom } = this.#place(shards, Math.min(this.#share, this.#limit ?? this.#share), takes);
    const { launched, back } = this.#expected;
    const who = [launched > 0 ? `${launched} on the way` : '', back > 0 ? `${back} away` : '']
      .filter(Boolean)
      .join(', ');
    const why = `it is kept for a node that may still come (${who}): each gets ${counted(this.#share, 'shard')} at first`;
    for (const shard of noRoom) this.#reasons.set(shard, why);
    if (this.#expected.back === 0) launchForRoom(this.#tx, noRoom);
  }

  #place(shards: readonly number[], limit: number | null, takes: (node: NodeState) => number): Placement {
    const tx = this.#tx;
    const moving = movingOf(tx);
    const share = this.#newest === null ? 0 : this.#fairShareNow();
    const nodes = [...tx.state.nodes.values()].map((node) => ({
      ...placeNode(tx, node, Math.min(takes(node), probationLeft(tx, node)), moving),
      preferredUpTo: node.version === this.#newest ? share : 0,
    }));
    const { loads } = tx.state.balance;
    const placement = place({
      nodes,
      vacant: shards,
      holders: this.#holders,
      limit,
      rules: tx.settings,
      weightOf: (shard) => weightOf(loads, shard),
    });
    for (const [node, assigned] of placement.assignments) startOn(tx, node, assigned);
    for (const [shard, node] of placement.waitFor) this.#reasons.set(shard, whyWaiting(tx, node));
    return placement;
  }

  #fairShareNow(): number {
    const { settings, totalShards } = this.#tx.state;
    const shards = settings.responsibleForShards?.length ?? totalShards ?? 0;
    return fairShare(shards, Math.max(1, this.#expected.open.length), settings);
  }

  #noRoom(shards: readonly number[]): void {
    if (shards.length === 0) return;
    const why = this.#whyNoRoom();
    if (why !== null) for (const shard of shards) this.#reasons.set(shard, why);
    launchForRoom(this.#tx, shards);
  }

  /** null: no node is connected, which is said of all shards together. */
  #whyNoRoom(): string | null {
    const { open } = this.#expected;
    const connected = [...this.#tx.state.nodes.values()].filter(isConnected).length;
    if (connected === 0) return null;
    if (open.length === 0) return `${counted(connected, 'node')} connected, and cordoned, drained or shut down`;
    if (this.#limit === null) return 'no connected node takes shards of its slot (bucketsPerNode)';
    const nodes = open.length === 1 ? 'the one open node has' : `the ${open.length} open nodes have`;
    return `${nodes} no room: at most ${counted(this.#limit, 'shard')} each (maxShardsPerNode)`;
  }
}

function difference(all: readonly number[], without: readonly number[]): readonly number[] {
  if (without.length === 0) return all;
  const left = new Set(without);
  return all.filter((shard) => !left.has(shard));
}

function whyWaiting(tx: Transaction, id: string): string {
  const node = tx.node(id);
  if (node === undefined || opennessOf(tx, node) === 'closed')
    return `node ${id} has the other shards of its bucket, and takes none now`;
  if (isOnProbation(tx, node)) return `node ${id} has to live for a while first: its version died again and again`;
  return `nodes resume ${counted(tx.settings.takeoversPerNode, 'shard')} at once (takeoversPerNode), and are at it`;
}

type ByCare = { crashSuspects: number[]; resumable: number[]; others: number[] };

/** Crash suspects one at a time, resumes at a pace; IDENTIFYs have one of their own (`shards/identify-permits.ts`). */
function byCare(tx: Transaction, vacant: readonly number[]): ByCare {
  const sorted: ByCare = { crashSuspects: [], resumable: [], others: [] };
  for (const shard of vacant) {
    const state = tx.shard(shard);
    if (isCrashSuspect(tx, shard)) sorted.crashSuspects.push(shard);
    else if (state?.kind === 'vacant' && state.known !== null) sorted.resumable.push(shard);
    else sorted.others.push(shard);
  }
  return sorted;
}

/** How many more resumes a node may begin now. One of the base level queues them by itself. */
function takeoversLeft(tx: Transaction, node: NodeState): number {
  if (!can(node, 'resume-shards')) return Infinity;
  let left = tx.settings.takeoversPerNode;
  for (const shard of tx.shardsOf(node.id)) {
    const state = tx.shard(shard);
    if (state?.kind === 'starting' && (state.step === 'prepare' || state.step === 'resume')) left -= 1;
  }
  return left;
}

/** A node of a version that dies again and again gets one shard until it has lived for a while. */
function probationLeft(tx: Transaction, node: NodeState): number {
  return isOnProbation(tx, node) ? 1 - tx.loadOf(node.id) : Infinity;
}

function giveBack(tx: Transaction, vacant: readonly number[], holders: ReadonlyMap<number, string>): void {
  for (const shard of vacant) {
    const holder = holders.get(shard);
    if (holder !== undefined) startOn(tx, holder, [shard]);
  }
}

/** What migrates, by the nodes that it concerns. */
export function movingOf({ state: { migrations } }: Transaction): ReadonlyMap<string, readonly number[]> {
  const moving = new Map<string, number[]>();
  for (const { shard, origin, destination } of migrations.values()) {
    for (const node of [origin, destination]) moving.set(node, [...(moving.get(node) ?? []), shard]);
  }
  return moving;
}

export function placeNode(
  tx: Transaction,
  node: NodeState,
  takes: number,
  moving: ReadonlyMap<string, readonly number[]> = movingOf(tx),
): PlaceNode {
  const { id, host, zone } = node;
  const old = replacedBy(tx.state, id);
  const coming = old === null ? [] : tx.shardsOf(old);
  return {
    id,
    host,
    zone,
    takes,
    openness: opennessOf(tx, node),
    shards: [...tx.shardsOf(id), ...(moving.get(id) ?? []), ...coming],
  };
}

export function opennessOf(tx: Transaction, node: NodeState): Openness {
  if (!isConnected(node) || isLeaving(node) || drainedBy(tx.state, node.id) !== undefined) return 'closed';
  if (isHeldBack(tx.state, node) || isUnresponsive(tx.state, node)) return 'closed';
  return isCordoned(tx.state, node) ? 'ownBuckets' : 'open';
}

function holdersOf(tx: Transaction): ReadonlyMap<number, string> {
  const holders = new Map<number, string>();
  for (const node of unsettledNodes(tx.state)) {
    if (!isConnected(node) || isLeaving(node)) continue;
    for (const shard of node.retained) holders.set(shard, node.id);
  }
  return holders;
}
