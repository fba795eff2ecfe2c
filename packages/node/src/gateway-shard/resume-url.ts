/**
 * Where a RESUME may go. It carries the bot's token, and resume URLs come from elsewhere: from other nodes, through the orchestrator, out
 * of files. So a resume URL is used only if Discord can have given it; else the session is resumed at the generic URL, as good.
 */

/** `gateway-us-east1-b.discord.gg` and its like. */
const DISCORDS_OWN = '.discord.gg';

/**
 * `resumeUrl` where it may be used, '' where the generic URL is to be used instead.
 *
 * Its host is the generic URL's, or one below it, or Discord's own; its scheme is not weaker than the generic URL's. A URL with a name, a
 * password or a fragment is none of Discord's, and sockets throw at a fragment.
 *
 * @param genericUrl what REST named, or the bot was given. null: not known yet; until then only Discord's own hosts over TLS will do.
 */
export function trustedResumeUrl(resumeUrl: string, genericUrl: string | null): string {
  const resume = gatewayUrl(resumeUrl);
  if (resume === null || resume.username !== '' || resume.password !== '' || resumeUrl.includes('#')) return '';
  const generic = genericUrl === null ? null : gatewayUrl(genericUrl);
  const mayBePlain = generic?.protocol === 'ws:';
  if (resume.protocol !== 'wss:' && !mayBePlain) return '';
  return resume.hostname.endsWith(DISCORDS_OWN) || isWithin(resume.hostname, generic?.hostname) ? resumeUrl : '';
}

function gatewayUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^wss?:$/u.test(url.protocol) ? url : null;
}

function isWithin(host: string, domain: string | undefined): boolean {
  return domain !== undefined && (host === domain || host.endsWith(`.${domain}`));
}
