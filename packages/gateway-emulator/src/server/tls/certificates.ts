/**
 * A certificate authority of the emulator's own, made when it starts, and the one certificate that it signs. The
 * authority's key is forgotten at once: nobody can sign anything else with it, so that a process may trust it without a
 * thought (`NODE_EXTRA_CA_CERTS`).
 */
// @peculiar/x509 asks for it.
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Ms } from '@dshard/transport';

export type Certificates = {
  /** The authority's certificate, for those who are to trust it. */
  caPem: string;
  /** The server's key and certificate. */
  key: string;
  cert: string;
};

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 24 * 60 * 60 * 1000;
/** Clocks of containers and of tests are not always right. */
const validBeforeMs = 2 * dayMs;
const validForMs = 365 * dayMs;

/** `names`: hosts and addresses that the certificate is for. `now`: of the real clock, which clients check it by. */
export async function makeCertificates(names: readonly string[], now: Ms): Promise<Certificates> {
  const [authority, server] = [await generateKeys(), await generateKeys()];
  const validity = { notBefore: new Date(now - validBeforeMs), notAfter: new Date(now + validForMs) };
  const issuer = 'CN=dso-gateway (this run only)';
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: issuer,
    ...validity,
    keys: authority,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  const cert = await X509CertificateGenerator.create({
    subject: 'CN=Emulated Discord gateway',
    issuer,
    ...validity,
    publicKey: server.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name })),
      ),
    ],
  });
  const key = KeyObject.from(server.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { caPem: ca.toString('pem'), key: String(key), cert: cert.toString('pem') };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
}
