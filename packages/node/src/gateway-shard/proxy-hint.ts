/**
 * Proxies that the environment asks for, and that gateway connections do not take: neither @discordjs/ws nor discordeno
 * has an option for one. That is said by name, once, where everybody sees it; it is no error, for Discord may well be
 * reached directly.
 */
import { proxyFor, type Environment } from '@dshard/transport';

const CODE = 'DSO_PROXY_IGNORED';

let isSaid = false;

/** null: no proxy is asked for. @param url of the gateway. */
export function proxyHint(url: string, env: Environment): string | null {
  if (!URL.canParse(url)) return null;
  const gateway = new URL(url);
  const proxy = proxyFor(gateway, env);
  if (proxy === null) return null;
  return (
    `${proxy.variable} is set, and gateway connections (${gateway.host}) are made without a proxy: the library knows none. ` +
    `If that is reached directly, add it to NO_PROXY, and this is not said again. If not, lead it there in the network. ` +
    `For REST give the library a proxy of its own, in discord.js: new Client({ rest: { agent: new ProxyAgent(url) } }).`
  );
}

export function tellOfProxy(url: string, env: Environment = process.env): void {
  const hint = isSaid ? null : proxyHint(url, env);
  if (hint === null) return;
  isSaid = true;
  process.emitWarning(hint, { code: CODE });
}
