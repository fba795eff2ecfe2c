/**
 * Links of a README that the registry shows. It is read outside the repository, so a link leads to a file of the
 * tarball, to a heading of the page, or to the whole address of a page; pages of this repository must be there.
 */
import { posix } from 'node:path';

export type LinkPlaces = {
  /** `https://host/owner/name` */
  readonly page: string;
  /** The package's folder in the repository: `packages/node`. */
  readonly directory: string;
  /** Whether the tarball has a file. */
  readonly shipped: (path: string) => boolean;
  /** The text of a file of the repository; '' for a folder; undefined where nothing is. */
  readonly inRepository: (path: string) => string | undefined;
};

const LINK = /(\]\()([^()\s]+)(\))/g;
const ABSOLUTE = /^[a-z][a-z+.-]*:/;

function linksOf(markdown: string): readonly string[] {
  return [...withoutCode(markdown).matchAll(LINK)].map((match) => String(match[2]));
}

export function linkFaults(markdown: string, places: LinkPlaces): readonly string[] {
  return linksOf(markdown).flatMap((link) => {
    const fault = faultOf(link, markdown, places);
    return fault === null ? [] : [`README.md links to ${link}, ${fault}`];
  });
}

function faultOf(link: string, markdown: string, { page, shipped, inRepository }: LinkPlaces): string | null {
  const [path = '', anchor] = link.split('#');
  if (path === '') return anchorFault(markdown, anchor);
  if (!ABSOLUTE.test(link)) {
    return shipped(posix.normalize(path)) ? null : 'which is not in the tarball: give its whole address.';
  }
  const inside = new RegExp(`^${page.replaceAll('.', '\\.')}/(?:blob|tree)/main/(.+)$`).exec(path)?.[1];
  if (inside === undefined) return path.startsWith(page) ? 'which is no page of a file or folder of main.' : null;
  const text = inRepository(inside);
  return text === undefined ? 'which is not in the repository.' : anchorFault(text, anchor);
}

function anchorFault(markdown: string, anchor: string | undefined): string | null {
  return anchor === undefined || headingsOf(markdown).includes(anchor) ? null : 'and no heading there is called so.';
}

/** As GitHub and npm make them. */
function headingsOf(markdown: string): readonly string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map((match) =>
    String(match[1])
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Relative links to what the tarball does not have become addresses. */
export function withWholeLinks(markdown: string, { page, directory, shipped, inRepository }: LinkPlaces): string {
  return markdown.replace(LINK, (whole: string, before: string, link: string, after: string): string => {
    const [path = '', anchor] = link.split('#');
    if (path === '' || ABSOLUTE.test(link) || shipped(posix.normalize(path))) return whole;
    const inside = posix.join(directory, path).replace(/\/$/, '');
    const text = inRepository(inside);
    if (text === undefined) return whole;
    const kind = text === '' ? 'tree' : 'blob';
    return `${before}${page}/${kind}/main/${inside}${anchor === undefined ? '' : `#${anchor}`}${after}`;
  });
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[^]*?^```/gm, '');
}
