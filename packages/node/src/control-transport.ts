/**
 * How the node reaches its orchestrator: in plain text on one machine, by TLS beyond. Sessions of the bot's shards, and
 * what its shards remember, go over this connection.
 */
import { tcpTransport, tlsTransport } from '@dshard/transport';
import type { Address, Clock, Logger, TlsFiles, Transport } from '@dshard/transport';
import { invalidOption, refuseUnknownKeys } from './check-options.js';
import { areOnLoopback } from './orchestrators.js';

/** Paths of PEM files, read anew for each connection. `{}`: by TLS, with the authorities that Node.js knows. */
export type NodeTls = TlsFiles & {
  /** The name in the orchestrator's certificate, where the address has another. */
  serverName?: string;
};

export type TransportOptions = {
  where: string;
  orchestrators: readonly Address[];
  /** Undefined: in plain text. */
  tls: NodeTls | undefined;
  insecure: boolean;
  clock: Clock;
  logger: Logger;
};

const KEYS = ['ca', 'cert', 'key', 'serverName'] as const;

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function controlTransport({ where, orchestrators, tls, insecure, clock, logger }: TransportOptions): Transport {
  if (tls !== undefined) {
    const { serverName, ...files } = checkedTls(where, tls);
    return tlsTransport({ files, ...(serverName !== undefined && { serverName }), clock, logger });
  }
  if (!insecure && !areOnLoopback(orchestrators)) {
    throw invalidOption(
      where,
      'orchestrator',
      `is ${orchestrators.join()}, another machine perhaps, and the connection would be in plain text. Say by whom the orchestrator’s certificate is signed (tls: { ca }, or DSO_TLS_CA), or set insecure (DSO_INSECURE=true) where the network is your own.`,
    );
  }
  return tcpTransport({ clock });
}

function checkedTls(where: string, tls: NodeTls): NodeTls {
  if (typeof tls !== 'object' || tls === null) throw invalidOption(where, 'tls', 'must be an object of paths.');
  refuseUnknownKeys(`${where} (tls)`, tls, KEYS);
  for (const key of KEYS) {
    const value = tls[key];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw invalidOption(where, `tls.${key}`, 'must be a text that is not empty.');
    }
  }
  const { cert, key } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw invalidOption(where, 'tls', 'needs cert and key together: a certificate and its private key.');
  }
  return tls;
}
