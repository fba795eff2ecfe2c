/**
 * The proxy that the environment asks for: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in small letters as well, which
 * win. Read as curl and Go read them: a name in `NO_PROXY` stands for its subdomains too, `*` for everything; and what
 * is on this machine is never asked for through a proxy.
 */
import { isLoopback } from './address.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `variable`: who asks for it. */
export type ProxySetting = { variable: string; url: string };

/** null: it is reached directly. */
export function proxyFor(target: URL, env: Environment): ProxySetting | null {
  const isSecure = target.protocol === 'https:' || target.protocol === 'wss:';
  const names = isSecure ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const variable = names.find((name) => (env[name] ?? '') !== '');
  const url = variable === undefined ? undefined : env[variable];
  if (variable === undefined || url === undefined) return null;
  const port = target.port === '' ? (isSecure ? '443' : '80') : target.port;
  if (isExempt(target.hostname, port, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return null;
  return { variable, url: /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}` };
}

function isExempt(hostname: string, port: string, noProxy: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isLoopback(host)) return true;
  return noProxy.split(/[\s,]+/).some((written) => {
    if (written === '*') return true;
    const entry = /^(?<name>.+?)(?::(?<port>\d+))?$/.exec(written.toLowerCase())?.groups;
    if (entry?.['name'] === undefined || (entry['port'] ?? port) !== port) return false;
    const name = entry['name'].replace(/^\*?\./, '');
    return host === name || host.endsWith(`.${name}`);
  });
}
