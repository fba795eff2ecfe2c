/** Certificate authorities and certificates for tests, made anew in a folder of the test's. */
// @peculiar/x509 asks for it.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';
import { systemClock } from '@dshard/transport';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3_600_000;

export type CertificateOptions = {
  /** DNS names and IP addresses. Default: localhost and 127.0.0.1. */
  names?: readonly string[];
  from?: Date;
  until?: Date;
};

/** Paths of PEM files. */
export type CertificateFiles = { cert: string; key: string };

export class TestAuthority {
  /** The authority's own certificate. */
  readonly ca: string;
  readonly folder: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: X509Certificate) {
    this.folder = mkdtempSync(join(tmpdir(), 'dso-certificates-'));
    this.ca = join(this.folder, 'ca.pem');
    this.#keys = keys;
    this.#certificate = certificate;
    writeFileSync(this.ca, certificate.toString('pem'));
  }

  static async create(): Promise<TestAuthority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: 'CN=Test authority',
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(systemClock().wallClock() - DAY_MS),
      notAfter: new Date(systemClock().wallClock() + 365 * DAY_MS),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      ],
    });
    return new TestAuthority(keys, certificate);
  }

  /** A certificate for either side of a connection. Files of that name are written over. */
  async issue(file: string, options: CertificateOptions = {}): Promise<CertificateFiles> {
    const { names = ['localhost', '127.0.0.1'], from, until } = options;
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${file}`,
      issuer: this.#certificate.subject,
      signingKey: this.#keys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: ALGORITHM,
      notBefore: from ?? new Date(systemClock().wallClock() - DAY_MS),
      notAfter: until ?? new Date(systemClock().wallClock() + 30 * DAY_MS),
      extensions: [
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: /^[\d.]+$/.test(value) ? 'ip' : 'dns', value })),
        ),
      ],
    });
    const files = { cert: join(this.folder, `${file}.pem`), key: join(this.folder, `${file}.key`) };
    const key = String(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(files.cert, certificate.toString('pem'));
    writeFileSync(files.key, key, { mode: 0o600 });
    return files;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}
