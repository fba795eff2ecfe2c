/**
 * The dashboard: files that the build has put into this package (`scripts/build-dashboard.js`), read once, served to
 * everybody. Nothing in them is secret; what the page shows, the page asks for with the cookie or token of who uses it.
 * Each of its addresses is answered with the same page, which finds in the address what to show.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const FOLDER = new URL('../../dist/dashboard/', import.meta.url);
const ROOT = '/dashboard';
const PAGE = 'index.html';

/** Of the routes here: open to everybody, also while the orchestrator starts. */
export const DASHBOARD_ROUTES: ReadonlySet<string> = new Set(['/', ROOT, `${ROOT}/`, `${ROOT}/*`]);

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page loads nothing from elsewhere, runs nothing but its own file, and stands in no frame. */
const DASHBOARD_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

type File = { readonly type: string; readonly plain: Buffer; readonly zipped: Buffer };

export function addDashboard(app: FastifyInstance): void {
  const files = readFiles();
  const answer = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const name = (request.params as { '*'?: string })['*'] ?? '';
    // The names of the others say what is in them, so browsers keep them; the page itself is looked at each time.
    const isPage = !files.has(name) || name === PAGE;
    // A file of an older build is not to be answered with a page.
    if (isPage && /^[^/]+\.(?:css|js|svg)$/.test(name)) return reply.callNotFound() as never;
    return send(request, reply, files.get(isPage ? PAGE : name), isPage);
  };
  app.get('/', (_, reply) => reply.redirect(`${ROOT}/`, 302));
  app.get(ROOT, (_, reply) => reply.redirect(`${ROOT}/`, 302));
  app.get(`${ROOT}/`, answer);
  app.get(`${ROOT}/*`, answer);
}

/** Empty where the package was not built as a whole, as in tests from the sources. */
function readFiles(): ReadonlyMap<string, File> {
  if (!existsSync(FOLDER)) return new Map();
  const names = readdirSync(FOLDER);
  return new Map(
    names.map((name) => {
      const plain = readFileSync(new URL(name, FOLDER));
      return [name, { type: TYPES[extname(name)] ?? 'application/octet-stream', plain, zipped: gzipSync(plain) }];
    }),
  );
}

function send(request: FastifyRequest, reply: FastifyReply, file: File | undefined, isPage: boolean): FastifyReply {
  void reply.headers(DASHBOARD_HEADERS);
  if (file === undefined) {
    return reply.code(404).type('text/plain').send('The dashboard is not in this build: `npm run build` makes it.\n');
  }
  const takesZipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  void reply.headers({
    'cache-control': isPage ? 'no-cache' : 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    ...(takesZipped && { 'content-encoding': 'gzip' }),
  });
  return reply.type(file.type).send(takesZipped ? file.zipped : file.plain);
}
