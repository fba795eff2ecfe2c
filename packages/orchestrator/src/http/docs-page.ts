/** `GET /v1/docs`: the contract for people. Plain HTML without scripts, so that nothing can run in it. */
import { CONTRACT, ENDPOINT_NAMES, OPERATION_KINDS, type Parameter } from '@dshard/api';

export const DOCS_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
};

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  code { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
  section { border-top: 1px solid #8886; padding: .5rem 0 }
  h2 { font-size: 1.1rem; margin: .5rem 0 }
  .role { font-size: .8rem; border: 1px solid #8888; border-radius: 1rem; padding: 0 .6rem; font-weight: normal }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .5rem 0 }
  dd { margin: 0 }`;

export function docsPage(): string {
  const entries = ENDPOINT_NAMES.map((name) => {
    const { method, path, role, about, parameters } = CONTRACT[name];
    const title = `<code>${method} ${escaped(path)}</code> <span class="role">${role}</span>`;
    return `<section id="${name}"><h2>${title}</h2><p>${escaped(about)}</p>${listOf(parameters)}</section>`;
  });
  const kinds = Object.entries(OPERATION_KINDS).map(
    ([kind, { about, parameters }]) =>
      `<section id="operation-${kind}"><h2>operation <code>${kind}</code></h2><p>${escaped(about)}</p>${listOf(parameters)}</section>`,
  );
  const intro =
    'Send <code>Authorization: Bearer &lt;token&gt;</code>. Each entry says which role it needs: read, operate or admin. ' +
    'The same for programs: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).';
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The REST interface of dshardorchestrator</title>',
    `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body><main>`,
    `<h1>The REST interface of dshardorchestrator</h1><p>${intro}</p>`,
    ...entries,
    ...kinds,
    '</main></body></html>',
  ].join('\n');
}

function listOf(parameters: object): string {
  const rows = Object.entries(parameters as Readonly<Record<string, Parameter<unknown>>>).map(
    ([name, { field, fallback }]) =>
      `<dt><code>${name}${fallback === undefined ? '' : '?'}</code></dt><dd>${escaped(field.expected)}</dd>`,
  );
  return rows.length === 0 ? '' : `<dl>${rows.join('')}</dl>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
