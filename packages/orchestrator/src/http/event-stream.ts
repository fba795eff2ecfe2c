/**
 * `GET /v1/events` as server-sent events: what is in the history after the id the client knows, then what happens from
 * now on.
 *
 * A stream begins with the last 2000 at most; older ones are to be had as JSON. A client that came back sends
 * `Last-Event-ID`. An id that was not reached yet is of an earlier run that kept nothing, and the client gets all. A
 * comment every few seconds shows both sides that the other is there. A client that reads too slowly is cut off (it
 * comes back and goes on where it was), so that memory stays bounded; and every stream ends when the server closes,
 * which would otherwise wait for it for ever. So does the stream of a token that was revoked or has expired: before the
 * next event, and within seconds where nothing happens.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '@dshard/transport';
import type { OrchestratorHandle, RecordedEntry } from '../runtime/contract.js';

type AskedStream = {
  readonly after: number;
  /** Whether who asked would still be let in. */
  isStillAllowed(this: void): boolean;
};

export type EventStreams = {
  /** Takes the response over. False: there are too many streams already, and the response is untouched. */
  open(response: ServerResponse, asked: AskedStream): boolean;
  /** How many are open. */
  readonly count: number;
  close(): void;
};

const HEARTBEAT_MS = 15_000;
/** How often we look whether the token of a stream still opens it. */
const LOOK_MS = 1_000;
const MAX_STREAMS = 64;
/** What a slow client may leave unread: more than the whole history takes, which is written at once. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

export function createEventStreams(orchestrator: OrchestratorHandle, clock: Clock): EventStreams {
  const open = new Set<() => void>();
  return {
    get count() {
      return open.size;
    },
    open(response, { after, isStillAllowed }) {
      if (open.size >= MAX_STREAMS) return false;
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const write = (chunk: string): void => {
        response.write(chunk);
        if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
      };
      write(': the orchestrator says hello\n\n');
      for (const entry of entriesAfter(orchestrator.history(), after)) write(eventOf(entry));
      const cancels = [
        orchestrator.onEntry((entry) => (isStillAllowed() ? write(eventOf(entry)) : end())),
        clock.every(HEARTBEAT_MS, () => write(': still here\n\n')),
        clock.every(LOOK_MS, () => {
          if (!isStillAllowed()) end();
        }),
      ];
      function end(): void {
        for (const cancel of cancels) cancel();
        open.delete(end);
        response.end();
      }
      open.add(end);
      response.on('close', end);
      response.on('error', end);
      return true;
    },
    close() {
      for (const end of open) end();
    },
  };
}

/** What a client that has seen `after` has not seen yet. */
function entriesAfter(history: readonly RecordedEntry[], after: number): readonly RecordedEntry[] {
  const newest = history.at(-1)?.id ?? 0;
  return after > newest ? history : history.filter((entry) => entry.id > after);
}

function eventOf(entry: RecordedEntry): string {
  return `id: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`;
}
