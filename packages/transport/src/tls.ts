/**
 * TLS, with `node:tls`. Who listens shows a certificate, and asks for one where authorities are named (mutual TLS); who
 * connects checks the name in it. Files are read anew for every connection that is made, and for listeners when they
 * change: a certificate is renewed without a restart, and one that cannot be used leaves the one before in force.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, connect, createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { counted, messageOf, printable } from '@dshard/protocol';
import type { Cancel, Clock } from './clock.js';
import type { Logger } from './logger.js';
import { silentLogger } from './logger.js';
import { systemClock } from './system-clock.js';
import { socketTransport, systemCode, type Fault, type TcpTransportOptions } from './tcp.js';
import { onTlsChange, readTls, type TlsFiles } from './tls-files.js';
import type { Transport } from './byte-stream.js';

export type TlsTransportOptions = TcpTransportOptions & {
  files: TlsFiles;
  /** The name that the certificate of the other side has to have. Default: the host of the address. */
  serverName?: string;
  logger?: Logger;
};

const MIN_VERSION = 'TLSv1.2';
/** A stranger that never ends its handshake keeps a descriptor no longer. */
const HANDSHAKE_MS = 10_000;
const TOLD_EVERY_MS = 60_000;

export function tlsTransport(options: TlsTransportOptions): Transport {
  const { files, serverName, clock = systemClock(), logger = silentLogger } = options;
  return socketTransport(
    {
      dial(host, port) {
        const { cert, key, ca } = readTls(files, clock.wallClock());
        const name = serverName ?? host;
        const material = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
        const asked = {
          ...(isIP(name) === 0 && { servername: name }),
          checkServerIdentity: (_: string, shown: Parameters<typeof checkServerIdentity>[1]) =>
            checkServerIdentity(name, shown),
        };
        const socket = connect({ host, port, minVersion: MIN_VERSION, ...material, ...asked });
        return { socket, ready: 'secureConnect' };
      },
      server(onSocket) {
        const context = () => listeningContext(files, clock.wallClock());
        const server = createServer({ ...context(), handshakeTimeout: HANDSHAKE_MS }, onSocket);
        const tell = refusalTeller(clock, logger);
        server.on('tlsClientError', (error, socket) => tell(verdictOn(socket) ?? error, socket.remoteAddress));
        renewOnChange(server, { files, clock, logger });
        return server;
      },
      faultOf,
    },
    { ...options, clock },
  );
}

/** For a listener: our certificate, and whose the other side has to show. Throws `DSO_TLS_UNUSABLE`. */
export function listeningContext(files: TlsFiles, now: number): TlsOptions {
  const { cert, key, ca } = readTls(files, now);
  return { cert, key, minVersion: MIN_VERSION, ...(ca && { ca, requestCert: true, rejectUnauthorized: true }) };
}

type Renewable = Pick<Server, 'setSecureContext' | 'once'>;

/** Connections that there are go on as they are. */
export function renewOnChange(
  server: Renewable,
  { files, clock, logger }: { files: TlsFiles; clock: Clock; logger: Logger },
): Cancel {
  const cancel = onTlsChange(files, clock, () => {
    try {
      server.setSecureContext(listeningContext(files, clock.wallClock()));
      logger.info({ certificate: files.cert }, `The certificate ${files.cert} was read anew.`);
    } catch (error) {
      logger.error({ certificate: files.cert }, `${messageOf(error)} The one before stays in force until it ends.`);
    }
  });
  server.once('close', cancel);
  return cancel;
}

/** Why its certificate was not accepted: then the error itself says only that the connection was cut. */
function verdictOn({ authorizationError }: TLSSocket): Error | null {
  const code: unknown = authorizationError;
  return typeof code === 'string' ? Object.assign(new Error(code), { code }) : null;
}

/** Whoever reaches the port can fail as often as it wants to: the first is told, then their number, once a minute. */
function refusalTeller(clock: Clock, logger: Logger): (error: Error, from: string | undefined) => void {
  let toldAt = -Infinity;
  let untold = 0;
  return (error, from = 'an address unknown by now') => {
    if (clock.monotonicMs() - toldAt < TOLD_EVERY_MS) {
      untold += 1;
      return;
    }
    const more = untold === 0 ? '' : ` ${counted(untold, 'other')} failed in the minute before.`;
    const reason = faultOf(error)?.fault ?? printable(error.message);
    logger.warn({ from }, `A connection from ${from} was not let in: ${reason}.${more}`);
    toldAt = clock.monotonicMs();
    untold = 0;
  };
}

const refused = (fault: string): Fault => ({ code: 'DSO_TLS_REFUSED', fault });

const UNTRUSTED = refused(
  'its certificate is signed by nobody who is trusted here: name the file of its authority (DSO_TLS_CA, tls.ca)',
);
const NO_TLS = refused('the other side speaks no TLS');
const UNSHOWN = refused(
  'the other side wants a certificate, of an authority that it trusts (DSO_TLS_CERT and DSO_TLS_KEY)',
);

/** Codes of Node.js and OpenSSL. An alert is what the other side says of us. */
const FAULTS: Readonly<Record<string, Fault>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: refused(
    'its certificate is for other names; DSO_TLS_SERVER_NAME says which name it has, if the address has none',
  ),
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED: refused('its certificate has ended'),
  CERT_NOT_YET_VALID: refused('its certificate is not valid yet: is a clock wrong?'),
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  INVALID_PURPOSE: refused('its certificate is not made for this side of a connection'),
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_HTTP_REQUEST: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: refused('it shows no certificate, and one is asked for here'),
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: UNSHOWN,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: UNSHOWN,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: refused('the other side says that our certificate has ended'),
};

function faultOf(error: Error): Fault | null {
  return FAULTS[systemCode(error)] ?? null;
}

/** What an error of a TLS connection means, as the end of a sentence; null: the error has nothing to do with TLS. */
export function tlsFaultOf(error: Error): string | null {
  return faultOf(error)?.fault ?? null;
}
