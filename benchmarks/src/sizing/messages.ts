/** What is said to the bot of the benchmark, and by it. */
export type BotOrder = { api: string; token: string; shards: number };
export type BotReading = { rssMb: number; cpuMs: number; messages: number };
