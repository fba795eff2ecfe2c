/** The operators: they move shards, empty nodes and roll out, one thing after the other, all along. */
import { delay, type Ms, type Random } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { StatusV1 } from '@dshard/api';
import type { ChaosRig } from './chaos-rig.js';
import { pick } from './fault-kinds.js';

const PAUSE_MS = 250;

export type Move = { text: string; startedAt: Ms; endedAt: Ms; /** null: it was done. */ failure: string | null };

type Wish = { text: string; path: string; parameters: Readonly<Record<string, string>> };

export class Operators {
  readonly moves: Move[] = [];
  readonly #rig: ChaosRig;
  readonly #random: Random;
  readonly #onMove: (move: Move) => void;
  #stop: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(rig: ChaosRig, random: Random, onMove: (move: Move) => void) {
    this.#rig = rig;
    this.#random = random;
    this.#onMove = onMove;
  }

  start(): void {
    if (this.#stop !== null) return;
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  /** Resolves when what they do is done. */
  async rest(): Promise<void> {
    this.#stop?.abort();
    this.#stop = null;
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#rig;
    while (!signal.aborted) {
      // Without an orchestrator that answers, or a second node, there is nothing to wish for.
      const wish = await this.#rig.status().then(
        (status) => wishFor(status, this.#rig.launches, this.#random),
        () => null,
      );
      if (wish !== null) await this.#carryOut(wish);
      await delay(clock, PAUSE_MS, signal).catch(() => undefined);
    }
  }

  async #carryOut({ text, path, parameters }: Wish): Promise<void> {
    const { clock } = this.#rig;
    const startedAt = clock.now();
    const failure = await this.#rig.post(path, parameters).then(() => null, messageOf);
    const move = { text, startedAt, endedAt: clock.now(), failure };
    this.moves.push(move);
    this.#onMove(move);
  }
}

/** null: no node has running shards, or there is no other. */
function wishFor(status: StatusV1, launches: boolean, random: Random): Wish | null {
  const serving = status.nodes.filter(({ connection, intent }) => connection === 'connected' && intent === 'serving');
  const origins = serving.filter(({ shards }) => shards.some(({ state }) => state === 'running'));
  if (origins.length === 0 || serving.length < 2) return null;
  const origin = pick(origins, random, 'node with running shards');
  const destination = pick(
    serving.filter(({ id }) => id !== origin.id),
    random,
    'other node',
  );
  const chance = random.next();
  if (chance < 0.06 && launches) return { text: 'rollout', path: '/fullmigration', parameters: {} };
  if (chance < 0.25) {
    const shutdown = chance < 0.12;
    return {
      text: `drain ${origin.id} to ${destination.id}${shutdown ? ', then shut it down' : ''}`,
      path: '/migratenode',
      parameters: { origin_node: origin.id, destination_node: destination.id, shutdown: `${shutdown}` },
    };
  }
  const { id } = pick(
    origin.shards.filter(({ state }) => state === 'running'),
    random,
    'running shard',
  );
  return {
    text: `move shard ${id} from ${origin.id} to ${destination.id}`,
    path: '/migrateshard',
    parameters: { shard: `${id}`, destination_node: destination.id },
  };
}
