/** A list comes page by page; whoever wants all of it gets the one document that a single page would have been. */
import type { Answers, WrittenParameters } from '@dshard/api';

/** The lists that come in pages, and which field has the rows. */
const LIST_ROWS = { shards: 'shards', nodes: 'nodes', audit: 'entries' } as const;

export type ListName = keyof typeof LIST_ROWS;

/** What all lists with pages have. An orchestrator of an older version answers all at once, without `next`. */
type Page = { next?: string | null; [rows: string]: unknown };

/** Far beyond any fleet: a server that goes on after that is none of ours. */
const MAX_PAGES = 1_000;

/** Throws a TypeError for a page without rows. */
export async function allPagesOf<Name extends ListName>(
  ask: (name: ListName, parameters: WrittenParameters) => Promise<unknown>,
  name: Name,
  parameters: WrittenParameters,
): Promise<Answers<Name>> {
  const rows = LIST_ROWS[name];
  const all: unknown[] = [];
  let cursor: WrittenParameters = {};
  for (let pages = 1; pages <= MAX_PAGES; pages += 1) {
    const page: Page = Object(await ask(name, { ...parameters, ...cursor }));
    const { next = null, [rows]: onThisPage } = page;
    for (const row of onThisPage as readonly unknown[]) all.push(row);
    if (next === null) return (pages === 1 ? page : { ...page, total: all.length, [rows]: all }) as Answers<Name>;
    cursor = { cursor: next };
  }
  throw new RangeError('The list does not end.');
}
