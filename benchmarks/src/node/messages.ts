/** What is said to the bot of this benchmark, and by it. */
export type BotOrder = { api: string; token: string; orchestrator: string | null };
export type BotAsked = { do: 'isReady' | 'usage' };
export type BotSaying =
  { kind: 'ready'; isReady: boolean } | { kind: 'usage'; events: number; cpuMs: number; rssMb: number };
