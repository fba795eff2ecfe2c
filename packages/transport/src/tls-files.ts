/**
 * Certificates and keys in files, as PEM. What is wrong with them is said before anything listens or connects; what is
 * replaced while the program runs (a certificate that was renewed, a secret that a scheduler mounted anew) is noticed.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { messageOf } from '@dshard/protocol';
import type { Cancel, Clock } from './clock.js';
import { TransportError } from './errors.js';
import { readNamedFile } from './read-file.js';

/** Paths. `cert`: ours, with what lies between it and its authority. `ca`: by whom the peer's has to be signed. */
export type TlsFiles = { cert?: string; key?: string; ca?: string };

export type TlsMaterial = {
  cert?: Buffer;
  key?: Buffer;
  ca?: Buffer;
  /** Of our certificate: when it ends, by the wall clock; its names, the first of which stands for it. */
  own: { endsAt: number; names: readonly string[]; selfSigned: boolean } | null;
};

const MAX_BYTES = 1024 * 1024;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Throws `DSO_TLS_UNUSABLE`, whose sentence names the file. @param now by the wall clock. */
export function readTls({ cert, key, ca }: TlsFiles, now: number): TlsMaterial {
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? [key, 'certificate'] : [cert, 'private key'];
    throw unusable(`There is no ${missing} for ${given}.`);
  }
  const authority = ca === undefined ? {} : { ca: contentOf(ca, 'CA file') };
  if (authority.ca !== undefined && ca !== undefined) certificatesIn(authority.ca, ca);
  if (cert === undefined || key === undefined) return { ...authority, own: null };
  const content = contentOf(cert, 'certificate');
  const [own] = certificatesIn(content, cert);
  const privateKey = contentOf(key, 'private key');
  checkKey(own, cert, privateKey, key);
  const endsAt = Date.parse(own.validTo);
  if (endsAt <= now) throw unusable(`The certificate ${cert} ended on ${dayOf(endsAt)}: renew it.`);
  if (Date.parse(own.validFrom) > now) {
    throw unusable(`The certificate ${cert} is valid from ${dayOf(Date.parse(own.validFrom))} on. Is the clock right?`);
  }
  const selfSigned = own.checkIssued(own);
  return { ...authority, cert: content, key: privateKey, own: { endsAt, names: namesOf(own), selfSigned } };
}

/**
 * Calls back when one of the files was replaced. They are looked at, not watched: what a scheduler mounts changes by a
 * link, of which a watch tells nothing.
 */
export function onTlsChange(files: TlsFiles, clock: Clock, changed: () => void, everyMs = 10_000): Cancel {
  const look = (): string => Object.values(files).map(stampOf).join();
  let seen = look();
  return clock.every(everyMs, () => {
    const now = look();
    if (now === seen) return;
    seen = now;
    changed();
  });
}

function stampOf(path: string): string {
  const file = statSync(path, { throwIfNoEntry: false });
  return file === undefined ? 'none' : `${file.dev}:${file.ino}:${file.mtimeMs}:${file.size}`;
}

function contentOf(path: string, what: string): Buffer {
  try {
    return readNamedFile(path, MAX_BYTES);
  } catch (cause) {
    throw unusable(`The ${what} ${path} cannot be read: ${messageOf(cause)}.`, cause);
  }
}

function certificatesIn(content: Buffer, path: string): readonly [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...rest] = content.toString('latin1').match(PEM_CERTIFICATE) ?? [];
    if (first === undefined) throw new Error('there is no "-----BEGIN CERTIFICATE-----" in it');
    return [new X509Certificate(first), ...rest.map((each) => new X509Certificate(each))];
  } catch (cause) {
    throw unusable(`${path} holds no certificate in PEM form: ${messageOf(cause)}.`, cause);
  }
}

function checkKey(own: X509Certificate, cert: string, content: Buffer, key: string): void {
  let fits: boolean;
  try {
    fits = own.checkPrivateKey(createPrivateKey(content));
  } catch (cause) {
    throw unusable(`${key} holds no private key in PEM form without a passphrase: ${messageOf(cause)}.`, cause);
  }
  if (!fits) throw unusable(`The private key ${key} is not that of the certificate ${cert}.`);
}

/** As clients compare them: `DNS:a.internal, IP Address:10.0.0.1`. */
function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName
    .split(', ')
    .flatMap((entry) => /^(?:DNS|IP Address):(?<name>.+)$/.exec(entry)?.groups?.['name'] ?? []);
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function unusable(message: string, cause?: unknown): TransportError {
  return new TransportError('DSO_TLS_UNUSABLE', message, { cause });
}
