/** What the benchmark's processes say to each other over IPC. */

export type ServerOrder =
  | { do: 'rate'; rate: number }
  /** Asks for figures since the last time. */
  | { do: 'read' }
  | { do: 'stop' };

export type ServerReading = {
  /** Events made in the meantime, and the time it was, by the server's clock. */
  made: number;
  ms: number;
  /** Processor time used in the meantime, by all threads. */
  cpuMs: number;
  /** Of that in the kernel. */
  kernelMs: number;
  rssMb: number;
};

export type ServerSaying =
  { kind: 'listening'; url: string; token: string } | { kind: 'reading'; reading: ServerReading };

export type ClientOrder = { url: string; token: string; from: number; to: number; shards: number; compress: boolean };

export type ClientReading = {
  events: number;
  bytes: number;
  ms: number;
  cpuMs: number;
  /** From the making of a message to its arrival, of one message in `sampleEvery`, in milliseconds. */
  latenciesMs: number[];
  /** Sequences that did not follow each other. */
  gaps: number;
};

export type ClientSaying = { kind: 'ready'; shards: number } | { kind: 'reading'; reading: ClientReading };
