/** Server-sent events: blocks between blank lines; comments (heartbeats) carry no data. */

export type ServerSentEvent = { readonly id: string | null; readonly event: string; readonly data: string };

const MAX_EVENT_CHARACTERS = 64 * 1024 * 1024;

/** Ends with the chunks, or when an event does not end. */
export async function* eventsIn(chunks: AsyncIterable<string>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT_CHARACTERS) return;
    for (const block of blocks) {
      const data = fieldOf(block, 'data');
      if (data !== null) yield { id: fieldOf(block, 'id'), event: fieldOf(block, 'event') ?? 'message', data };
    }
  }
}

/** We send each field in one line. */
function fieldOf(block: string, name: string): string | null {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
}
