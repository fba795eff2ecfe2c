/** How each condition of a shard looks and reads. A tone is never alone: each has a mark, and a word beside it. */
import type { ShardConditionKind } from '@dshard/api';

type Tone = 'up' | 'moving' | 'coming' | 'trouble' | 'broken' | 'resting' | 'hole';

export type Look = {
  readonly tone: Tone;
  readonly word: string;
  /** What is drawn into a cell, so that colours are not needed to tell them apart. */
  readonly mark: 'none' | 'slash' | 'dot' | 'ring' | 'cross' | 'bar' | 'hole';
  /** One sentence for the legend. */
  readonly about: string;
};

/** In the order of legends and bars: what is well first, holes last. */
export const LOOKS: Readonly<Record<ShardConditionKind, Look>> = {
  up: { tone: 'up', word: 'up', mark: 'none', about: 'Its gateway session is ready or resumed.' },
  migrating: { tone: 'moving', word: 'migrating', mark: 'slash', about: 'It moves to another node, live.' },
  starting: { tone: 'coming', word: 'starting', mark: 'dot', about: 'It connects to the gateway.' },
  waitingToIdentify: {
    tone: 'coming',
    word: 'waiting to identify',
    mark: 'ring',
    about: 'Its turn to identify has not come.',
  },
  stopping: { tone: 'resting', word: 'stopping', mark: 'bar', about: 'It closes its connection.' },
  parked: {
    tone: 'resting',
    word: 'parked',
    mark: 'dot',
    about: 'The orchestrator keeps its state for the next node.',
  },
  disconnected: { tone: 'trouble', word: 'disconnected', mark: 'ring', about: 'It has lost the gateway.' },
  unreachable: { tone: 'trouble', word: 'unreachable', mark: 'bar', about: 'Its node is not heard.' },
  quarantined: { tone: 'broken', word: 'quarantined', mark: 'bar', about: 'Nodes died of it; it is not started.' },
  refused: { tone: 'broken', word: 'refused', mark: 'cross', about: 'Discord refuses it.' },
  vacant: { tone: 'hole', word: 'vacant', mark: 'hole', about: 'Nobody has it.' },
};

export const CONDITION_ORDER: readonly ShardConditionKind[] = Object.keys(LOOKS) as ShardConditionKind[];

/** Steps of brightness of shards that are up, from no events to many. */
export const BRIGHTNESS_STEPS = 5;

/**
 * How bright a shard is, from 0 to `BRIGHTNESS_STEPS` − 1: by events a second, each step ten times the one before, so
 * that quiet and busy shards both can be told apart. null: nobody knows, which is shown in the middle.
 */
export function brightnessOf(rate: number | null): number {
  if (rate === null) return 2;
  if (rate <= 0) return 0;
  return Math.max(1, Math.min(BRIGHTNESS_STEPS - 1, 2 + Math.floor(Math.log10(rate))));
}
