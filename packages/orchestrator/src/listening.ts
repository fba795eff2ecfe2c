/** What is said when an address cannot be listened on: who has it, and which knob chooses another. */
import { formatAddress, parseAddress, type Address } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { OrchestratorError } from './errors.js';

/** Who wanted to listen, and how somebody chooses another address for it. */
export type ListeningPart = { what: string; key: string; flag: string };

export function addressTaken(address: Address, part: ListeningPart, cause: unknown): OrchestratorError {
  const { host, port } = parseAddress(address);
  const other = formatAddress(host, port < 65_535 ? port + 10 : port - 10);
  return new OrchestratorError(
    'DSO_ADDRESS_TAKEN',
    `${part.what} cannot listen on ${address}: another program has port ${port} already. \`ss -ltnp 'sport = :${port}'\` shows which. ` +
      `Stop it, or choose another address with ${part.key} in dso.yaml or ${part.flag} ${other}.`,
    { cause },
  );
}

export function addressUnusable(address: Address, part: ListeningPart, cause: unknown): OrchestratorError {
  return new OrchestratorError(
    'DSO_ADDRESS_UNUSABLE',
    `${part.what} cannot listen on ${address}: ${messageOf(cause)}. Choose another address with ${part.key} in dso.yaml or ${part.flag}.`,
    { cause },
  );
}
