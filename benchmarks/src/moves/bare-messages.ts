/** What is said to the floor of a run, and by it. */
export type BareOrder = { url: string; token: string; shards: number };
export type BareSaying = { kind: 'ready' | 'moved' };
