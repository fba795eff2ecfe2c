/** Where others reach this orchestrator: what nodes and operators hear of whoever leads. */
import { hostname } from 'node:os';
import type { ResolvedConfig } from '@dshard/api/config';
import { formatAddress, parseAddress, type Address } from '@dshard/transport';

export type Advertised = {
  /** For nodes; null: not known before it listens, for the system chooses the port. */
  address: Address | null;
  /** The URL of the REST interface; null: there is none, or its port is not known. */
  http: string | null;
};

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

/** What listens on all addresses is reached by the name of its host. */
export function advertised({ listen, http, tls, values }: ResolvedConfig): Advertised {
  const address = values.advertise ?? reachable(listen, null);
  const named = values.advertise === null ? null : parseAddress(values.advertise).host;
  const rest = http && (values['http.advertise'] ?? reachable(http.listen, named));
  return { address, http: rest && `${tls === null ? 'http' : 'https'}://${rest}` };
}

/** @param name how the host is called, where that was said. */
function reachable(listen: Address, name: string | null): Address | null {
  const { host, port } = parseAddress(listen);
  if (port === 0) return null;
  return EVERYWHERE.has(host) ? formatAddress(name ?? hostname(), port) : listen;
}
