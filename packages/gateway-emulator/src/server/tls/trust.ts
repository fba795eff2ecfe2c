/**
 * What an emulator with TLS has and others need: its certificate, for every name and address that leads to it, and the
 * file with the certificate of the authority that signed it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import { EmulatorError } from '../../errors.js';

export type Trust = {
  readonly key: string;
  readonly cert: string;
  readonly authority: CertificateAuthority;
  /** Removes the file, if it is a temporary one. */
  forget(): Promise<void>;
};

export type CertificateAuthority = {
  /** The file with its certificate: for `NODE_EXTRA_CA_CERTS`, or `--cacert` of curl. */
  readonly path: string;
  readonly pem: string;
};

/** Discord's hosts, for those whose hosts file leads them here. */
const discordHosts = [
  'discord.com',
  '*.discord.com',
  'discord.gg',
  '*.discord.gg',
  'discordapp.com',
  '*.discordapp.com',
  '*.discord.media',
];

/** `addresses`: those it listens on. Throws `DSO_EMULATOR_CA_NOT_WRITTEN`. */
export async function makeTrust({
  addresses,
  caFile,
}: {
  addresses: readonly string[];
  caFile: string | null;
}): Promise<Trust> {
  // Only who wants certificates pays for what makes them.
  const { makeCertificates } = await import('./certificates.js');
  const names = [...new Set(['localhost', '127.0.0.1', ...addresses, ...discordHosts])];
  // Clients check validity by the real time, also when the emulator has a clock of its own.
  const { caPem, key, cert } = await makeCertificates(names, systemClock().wallClock());
  const path = caFile ?? join(await mkdtemp(join(tmpdir(), 'dso-gateway-')), 'ca.pem');
  try {
    await writeFile(path, caPem);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new EmulatorError('DSO_EMULATOR_CA_NOT_WRITTEN', `The certificate cannot be written to ${path}: ${reason}.`, {
      cause,
    });
  }
  return {
    key,
    cert,
    authority: { path, pem: caPem },
    forget: async () => {
      if (caFile === null) await rm(dirname(path), { recursive: true, force: true });
    },
  };
}
