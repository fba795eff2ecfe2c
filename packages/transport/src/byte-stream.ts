/**
 * The seam between protocol code and sockets. Protocol code sees byte streams only; the TCP adapter
 * (`tcp.ts`), the in-memory network of the testkit and the simulator's network implement them.
 */

/** `host:port`, as in `127.0.0.1:7447`, `[::1]:7447` or `orchestrator.internal:7447`. */
export type Address = string;

/** How a stream ended: `error` is set when it did not end by a clean close of either side. */
export type CloseReason = { error?: Error };

export type ByteStreamHandlers = {
  onData(chunk: Uint8Array): void;
  /** Called when `bufferedBytes` fell to 0 after `write` returned false. */
  onDrain(): void;
  /** Called exactly once, last. */
  onClose(reason: CloseReason): void;
};

/** One end of a connection. Bytes arrive in order; nothing arrives before `handle` was called. */
export type ByteStream = {
  /** The peer's address, for logs. */
  readonly remote: Address;
  /** Whether the peer's address is a loopback address. */
  readonly loopback: boolean;
  /** Bytes written but not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /** Starts delivery. Called once. */
  handle(handlers: ByteStreamHandlers): void;
  /** Returns false when the writer should wait for `onDrain`. A closed stream does nothing and returns false. */
  write(bytes: Uint8Array): boolean;
  /** Stops reading from the peer (its own sends then block): the way to slow a sender down. Also before `handle`. */
  pause(): void;
  resume(): void;
  /** Sends what is buffered, then closes. */
  end(): void;
  /** Closes at once; what is buffered is dropped. */
  destroy(): void;
};

export type Listener = {
  /** Where it listens, with the port the system gave when 0 was asked for. */
  readonly address: Address;
  /** Stops accepting. Streams already accepted live on. */
  close(): Promise<void>;
};

export type Transport = {
  /** Rejects with an error that names the address when nobody answers or `signal` aborts. */
  connect(address: Address, options: { signal?: AbortSignal; timeoutMs: number }): Promise<ByteStream>;
  /** Rejects with an error that names the address when it is taken or not ours. */
  listen(address: Address, onStream: (stream: ByteStream) => void): Promise<Listener>;
};
