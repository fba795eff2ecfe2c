/**
 * `GET /v1/events` as server-sent events: what is in the history after the id the client knows, then what happens from
 * now on.
 *
 * A stream begins with the last 2000 at most; older ones are to be had as JSON. A client that came back sends
 * `Last-Event-ID`. An id that was not reached yet is of an earlier run that kept nothing, and the client gets all. A
 * client that reads too slowly is cut off (it comes back and goes on where it was), so that memory stays bounded.
 */
import type { ServerResponse } from 'node:http';
import type { OrchestratorHandle, RecordedEntry } from '../runtime/contract.js';
import type { OpenStreams } from './server-sent-events.js';

type AskedStream = {
  readonly after: number;
  /** Whether who asked would still be let in. */
  isStillAllowed(this: void): boolean;
};

/** What a slow client may leave unread: more than the whole history takes, which is written at once. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** Takes the response over. False: there are too many streams already, and the response is untouched. */
export function openEventStream(
  response: ServerResponse,
  { after, isStillAllowed }: AskedStream,
  { orchestrator, streams }: { orchestrator: OrchestratorHandle; streams: OpenStreams },
): boolean {
  const write = (chunk: string): void => {
    stream?.write(chunk);
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
  };
  const cancels = [orchestrator.onEntry((entry) => write(eventOf(entry)))];
  const stream = streams.open(response, { isStillAllowed, cancels });
  if (stream === null) {
    for (const cancel of cancels) cancel();
    return false;
  }
  for (const entry of entriesAfter(orchestrator.history(), after)) write(eventOf(entry));
  return true;
}

/** What a client that has seen `after` has not seen yet. */
function entriesAfter(history: readonly RecordedEntry[], after: number): readonly RecordedEntry[] {
  const newest = history.at(-1)?.id ?? 0;
  return after > newest ? history : history.filter((entry) => entry.id > after);
}

function eventOf(entry: RecordedEntry): string {
  return `id: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`;
}
