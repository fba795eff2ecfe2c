/** What traffic consists of: weights of kinds, read from an object or from `messages=80,reactions=15,presences=5`. */
import type { Random } from '@dshard/transport';

export const trafficKinds = [
  'messages',
  'reactions',
  'presences',
  'voice',
  'members',
  'typing',
  'interactions',
  'guilds',
] as const;

export type TrafficKind = (typeof trafficKinds)[number];

/** Weights relative to each other; kinds that are not named do not happen. */
export type TrafficMix = Partial<Record<TrafficKind, number>>;

export const messagesOnly: TrafficMix = { messages: 1 };

/** The problem with a mix in words, or null. */
export function problemOfMix(mix: unknown): string | null {
  if (typeof mix !== 'object' || mix === null || Array.isArray(mix)) return 'it is not an object of weights';
  const entries = Object.entries(mix);
  for (const [kind, weight] of entries) {
    if (!isKind(kind)) return `"${kind}" is not a kind of traffic; they are ${trafficKinds.join(', ')}`;
    if (typeof weight !== 'number' || !Number.isFinite(weight) || weight < 0) {
      return `the weight of "${kind}" is not a number from 0 on`;
    }
  }
  return entries.some(([, weight]) => weight > 0) ? null : 'no kind has a weight above 0';
}

/** Reads `messages=80,reactions=20`. Values that are no numbers become NaN, which `problemOfMix` refuses by name. */
export function parseMix(text: string): TrafficMix {
  const pairs = text.split(',').map((part) => part.split('='));
  return Object.fromEntries(
    pairs.map(([kind = '', weight = '']) => [
      kind.trim(),
      /^\d+(\.\d+)?$/.test(weight.trim()) ? Number(weight) : Number.NaN,
    ]),
  );
}

/** Draws kinds by their weights. A mix of one kind draws nothing. */
export function kindDrawer(mix: TrafficMix, random: Random): () => TrafficKind {
  const weighted = trafficKinds.map((kind) => ({ kind, weight: mix[kind] ?? 0 })).filter(({ weight }) => weight > 0);
  const [only] = weighted;
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  if (only === undefined) throw new RangeError('A mix without any weight makes no traffic.');
  if (weighted.length === 1) return () => only.kind;
  return () => {
    let left = random.next() * total;
    for (const { kind, weight } of weighted) {
      left -= weight;
      if (left < 0) return kind;
    }
    return only.kind;
  };
}

function isKind(value: string): value is TrafficKind {
  return trafficKinds.some((kind) => kind === value);
}
