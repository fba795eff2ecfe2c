/** Breadth first through every world that can be reached: the first violation found is one of the shortest. */
import { assertInvariants } from '@dshard/orchestrator/domain';
import { messageOf } from '@dshard/protocol';
import { canonical, violated, type World } from './world.js';
import { faultMoves, nextTick, ordinaryMoves, type FaultKind, type Move, type Reducers } from './moves.js';
import { phaseOf } from './gateway.js';

export type Found = {
  states: number;
  transitions: number;
  /** Worlds in which nothing is on its way; each was seen to its end. */
  terminal: number;
  violations: readonly { what: string; path: readonly string[] }[];
};

type Reached = { world: World; from: Reached | null; what: string };

/** What is due by the clock may take so many steps until everything is as it should be. */
const SETTLE_STEPS = 400;
const MOST_VIOLATIONS = 3;
/** Which node a rollout replaces, and by which. */
const [OLD, NEW] = ['a', 'b'];
/** All has moved; of the old node nobody knows whether it has ended. */
const NOT_ENDED = /did not shut down in time|could not be told to shut down/;

export function search(start: World, faults: ReadonlySet<FaultKind>, reducers: Reducers, mostStates: number): Found {
  const seen = new Set<string>();
  const violations: { what: string; path: readonly string[] }[] = [];
  let queue: Reached[] = [{ world: start, from: null, what: 'start' }];
  let transitions = 0;
  let terminal = 0;
  while (queue.length > 0 && violations.length < MOST_VIOLATIONS) {
    const next: Reached[] = [];
    for (const reached of queue) {
      const moves = ordinaryMoves(reached.world, reducers);
      if (!moves.some(({ what }) => !what.startsWith('Discord'))) {
        terminal += 1;
        const end = settle(reached, reducers);
        if (end !== null) violations.push(end);
        const tick =
          reached.world.ticksLeft > 0 && missing(reached.world) !== null ? nextTick(reached.world, reducers) : null;
        if (tick !== null) {
          moves.push({ what: tick.what, to: (at) => tick.to({ ...at, ticksLeft: at.ticksLeft - 1 }) });
        }
      }
      for (const move of [...moves, ...faultMoves(reached.world, faults, reducers)]) {
        transitions += 1;
        const world = take(move, reached.world);
        if (world.violation !== null) {
          violations.push({ what: world.violation, path: pathOf({ world, from: reached, what: move.what }) });
          if (violations.length >= MOST_VIOLATIONS) break;
          continue;
        }
        const text = canonical(world);
        if (seen.has(text)) continue;
        seen.add(text);
        next.push({ world, from: reached, what: move.what });
      }
      if (violations.length >= MOST_VIOLATIONS) break;
    }
    if (seen.size > mostStates)
      throw new Error(`There are more than ${mostStates} states: the scope is too large to be searched.`);
    queue = next;
  }
  return { states: seen.size + 1, transitions, terminal, violations };
}

function take(move: Move, world: World): World {
  try {
    const next = move.to(world);
    if (next.orchestrator !== null) assertInvariants(next.orchestrator);
    return next;
  } catch (error) {
    return violated(world, messageOf(error));
  }
}

/** Nothing goes wrong any more: everything must come to be as it should. null: it does. */
function settle(reached: Reached, reducers: Reducers): { what: string; path: readonly string[] } | null {
  let at: Reached = reached;
  for (let step = 0; step < SETTLE_STEPS; step += 1) {
    const lacking = missing(at.world);
    if (lacking === null) return null;
    const move = ordinaryMoves(at.world, reducers)[0] ?? nextTick(at.world, reducers);
    if (move === null) return { what: `it ends with this: ${lacking}`, path: pathOf(at) };
    const world = take(move, at.world);
    at = { world, from: at, what: move.what };
    if (world.violation !== null) return { what: world.violation, path: pathOf(at) };
  }
  return { what: `it does not come to an end: ${missing(at.world) ?? ''}`, path: pathOf(at).slice(0, 60) };
}

/** Invariant 12: desired = actual. null: it is so. */
function missing({ orchestrator, nodes, discord, handed, dead }: World): string | null {
  if (orchestrator === null) return 'the orchestrator is down';
  // The last one has left, after the others died.
  if (nodes.size === 0) return null;
  if (orchestrator.migrations.size > 0) return 'a migration is open';
  if (orchestrator.operations.size > 0) return 'an operation is under way';
  const shard = orchestrator.shards[0];
  if (shard?.kind !== 'running') return `the shard is ${shard?.kind ?? 'unknown'}`;
  for (const [id, { host, staged, connection, pending, state }] of nodes) {
    if (connection === null) return `${id} is not connected`;
    if (pending.length > 0) return `${id} is busy`;
    if (staged !== null) return `${id} keeps state that nobody needs`;
    const kind = state.shards.get(0)?.kind ?? 'absent';
    const phase = phaseOf(host);
    if (phase !== (id === shard.node ? 'up' : 'none')) return `the host of ${id} has the shard ${phase}`;
    if (id === shard.node ? kind !== 'running' : kind !== 'absent') return `the shard is ${kind} on ${id}`;
  }
  const rollout = orchestrator.endedOperations.find(({ kind }) => kind === 'rollout');
  if (rollout !== undefined) {
    const isForward = rollout.outcome === 'done' || NOT_ENDED.test(rollout.text);
    const [right, what] = isForward ? [NEW, 'done'] : [OLD, 'reverted'];
    if (shard.node !== right && !dead.includes(right))
      return `a rollout that was ${what} left the shard on ${shard.node}`;
  }
  if (discord.attached !== shard.node) return `the session is ${discord.attached ?? 'nobody'}'s`;
  return handed === discord.last ? null : `${discord.last - handed} events reached nobody`;
}

function pathOf(reached: Reached): string[] {
  const path: string[] = [];
  for (let at: Reached | null = reached; at !== null; at = at.from) path.unshift(at.what);
  return path;
}
