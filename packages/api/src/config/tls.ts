/** Certificates of both doors, and what may be without. */
import { isLoopback, parseAddress, readTls, systemClock, type TlsFiles } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { ConfigKey, ConfigValues } from './keys.js';
import type { Places } from './token.js';

export type TlsConfig = {
  /** null: plain text. */
  files: TlsFiles | null;
  /**
   * What launched nodes are told, which reach the orchestrator by its address. They are on its machine and have its
   * user, so that its own certificate may stand for them.
   */
  nodeEnvironment: Readonly<Record<string, string>>;
};

export function resolveTls(values: ConfigValues, places: Places, problems: string[]): TlsConfig {
  const files = filesOf(values, places, problems);
  if (files === null) {
    complainOfPlainText(values, places, problems);
    return { files, nodeEnvironment: values.insecure ? { DSO_INSECURE: 'true' } : {} };
  }
  try {
    // Whether a certificate has ended is said against the real clock, as those who connect see it.
    const { own } = readTls(files, systemClock().wallClock());
    const [serverName] = own?.names ?? [];
    const { cert, key } = files;
    const ca = files.ca ?? (own?.selfSigned === true ? cert : undefined);
    return {
      files,
      nodeEnvironment: {
        DSO_TLS: 'true',
        ...(ca !== undefined && { DSO_TLS_CA: ca }),
        ...(files.ca !== undefined && { DSO_TLS_CERT: cert, DSO_TLS_KEY: key }),
        ...(serverName !== undefined && { DSO_TLS_SERVER_NAME: serverName }),
      },
    };
  } catch (error) {
    problems.push(`${places.at('tls.cert')}: tls: ${messageOf(error)}`);
    return { files: null, nodeEnvironment: {} };
  }
}

type OwnFiles = TlsFiles & { cert: string; key: string };

function filesOf(values: ConfigValues, { at, pathOf }: Places, problems: string[]): OwnFiles | null {
  const file = (key: 'tls.cert' | 'tls.key' | 'tls.ca'): string | null =>
    values[key] === null ? null : pathOf(key, values[key]);
  const [cert, key, ca] = [file('tls.cert'), file('tls.key'), file('tls.ca')];
  const missing = (given: ConfigKey, wanted: ConfigKey): null => {
    problems.push(`${at(given)}: ${given}: needs ${wanted} as well.`);
    return null;
  };
  if (values['http.clientCertificates'] && ca === null) missing('http.clientCertificates', 'tls.ca');
  if (cert === null && key === null) return ca === null ? null : missing('tls.ca', 'tls.cert');
  if (cert === null) return missing('tls.key', 'tls.cert');
  if (key === null) return missing('tls.cert', 'tls.key');
  return { cert, key, ...(ca !== null && { ca }) };
}

function complainOfPlainText(values: ConfigValues, { at }: Places, problems: string[]): void {
  if (values.insecure) return;
  const doors = values['http.enabled'] ? (['listen', 'http.listen'] as const) : (['listen'] as const);
  for (const door of doors) {
    const address = values[door];
    if (isLoopback(parseAddress(address).host)) continue;
    problems.push(
      `${at(door)}: ${door}: other machines can reach ${address}, in plain text: give tls.cert and tls.key, or set insecure where the network is your own.`,
    );
  }
}
