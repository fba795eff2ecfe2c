/**
 * A list of the orchestrator comes page by page; whoever asks `dso` for a list wants all of it. The pages are put
 * together to the one document that a single page would have been.
 */
import type { Answers, EndpointName, WrittenParameters } from '@dshard/api';
import type { Client } from './client.js';

/** What all lists with pages have. An orchestrator of an older version answers all at once, without `next`. */
type Page = { next?: string | null; [rows: string]: unknown };

/** Far beyond any fleet: a server that goes on after that is none of ours. */
const MAX_PAGES = 1_000;

/** @param rows the field of the answer that has the rows. */
export async function askForAllPages<Name extends EndpointName>(
  client: Client,
  { name, rows }: { name: Name; rows: string },
  parameters: WrittenParameters,
): Promise<Answers<Name>> {
  const all: unknown[] = [];
  let cursor: WrittenParameters = {};
  for (let pages = 1; pages <= MAX_PAGES; pages += 1) {
    const page: Page = Object(await client.ask(name, { ...parameters, ...cursor }));
    const { next = null, [rows]: onThisPage } = page;
    // A page without rows throws a TypeError, which `runCommand` knows as an answer that is not ours.
    for (const row of onThisPage as readonly unknown[]) all.push(row);
    if (next === null) return pages === 1 ? page : { ...page, total: all.length, [rows]: all };
    cursor = { cursor: next };
  }
  throw new RangeError('The list does not end.');
}
