/**
 * Everything that can go wrong with a connection below the messages: one table, one class. The codes are stable and
 * documented; the sentence of each error names the address it is about.
 */
import { CodedError } from '@dshard/protocol';

export const TRANSPORT_ERRORS = {
  DSO_ADDRESS_INVALID: {
    meaning: 'An address is not of the form host:port.',
    remedy: 'Write it like 127.0.0.1:7447, [::1]:7447 or orchestrator.internal:7447.',
  },
  DSO_CONNECT_REFUSED: {
    meaning: 'Nobody listens at the address.',
    remedy: 'Start the orchestrator, or correct the address.',
    retryable: true,
  },
  DSO_CONNECT_TIMEOUT: {
    meaning: 'The address did not answer in time.',
    remedy: 'Check that the host is up and that no firewall drops the connection.',
    retryable: true,
  },
  DSO_CONNECT_ABORTED: {
    meaning: 'The attempt to connect was aborted by its caller.',
    remedy: 'Nothing: it was wanted.',
    retryable: true,
  },
  DSO_HOST_UNKNOWN: {
    meaning: 'The host name could not be resolved.',
    remedy: 'Correct the name, or check the name server.',
    retryable: true,
  },
  DSO_HOST_UNREACHABLE: {
    meaning: 'There is no route to the host.',
    remedy: 'Check the network between the two machines.',
    retryable: true,
  },
  DSO_CONNECT_FAILED: {
    meaning: 'Connecting failed for another reason, which the message gives.',
    remedy: 'See the cause.',
    retryable: true,
  },
  DSO_PORT_TAKEN: {
    meaning: 'Another process already listens at the address.',
    remedy: 'Stop it, or listen on another port (0 lets the system choose).',
  },
  DSO_ADDRESS_NOT_OURS: {
    meaning: 'The address to listen on belongs to no network interface of this machine.',
    remedy: 'Use an address of this machine, 127.0.0.1 for itself only, or 0.0.0.0 for all its interfaces.',
  },
  DSO_LISTEN_FORBIDDEN: {
    meaning: 'This user may not listen on the port.',
    remedy: 'Use a port above 1023.',
  },
  DSO_LISTEN_FAILED: {
    meaning: 'Listening failed for another reason, which the message gives.',
    remedy: 'See the cause.',
  },
  DSO_CONNECTION_CLOSED: {
    meaning: 'The peer closed the connection.',
    remedy: 'Nothing, if it was wanted; a node connects again by itself.',
    retryable: true,
  },
  DSO_CONNECTION_LOST: {
    meaning: 'The connection broke without a clean close.',
    remedy: 'Nothing; a node connects again by itself. Look at the network if it happens often.',
    retryable: true,
  },
  DSO_SLOW_PEER: {
    meaning: 'The peer took our messages so slowly that the bound on held bytes was reached.',
    remedy: 'Look at the load of the peer and of the network; the connection is closed so that memory stays bounded.',
    retryable: true,
  },
  DSO_FRAME_UNFINISHED: {
    meaning: 'The peer began a message and did not end it in time, or such messages held too much memory.',
    remedy: 'Look at the network between the two; a node connects again by itself.',
    retryable: true,
  },
  DSO_HANDLER_FAILED: {
    meaning: 'Our own handler of a message threw, and the connection it came from was closed.',
    remedy: 'This is a defect of this program: report it with the cause.',
    retryable: true,
  },
  DSO_TLS_UNUSABLE: {
    meaning: 'A certificate, a private key or a file of certificate authorities cannot be used; the message names it.',
    remedy: 'Check the path, who may read it, what is in it, and until when the certificate is valid.',
  },
  DSO_TLS_REFUSED: {
    meaning: 'The two sides of a connection do not trust each other’s certificates, or one of them speaks no TLS.',
    remedy: 'See the message: it says which side wants what, and the setting that gives it.',
    retryable: true,
  },
  DSO_TOKEN_FILE_UNUSABLE: {
    meaning: 'A file that should hold the shared token cannot be read, is empty, or holds something else.',
    remedy: 'Check the path and who may read it; it holds the token and nothing else.',
  },
} as const;

export type TransportErrorCode = keyof typeof TRANSPORT_ERRORS;

/** `message` names the address. */
export class TransportError extends CodedError<TransportErrorCode> {
  override readonly name = 'TransportError';

  constructor(code: TransportErrorCode, message: string, options?: { cause?: unknown }) {
    super(TRANSPORT_ERRORS, code, message, options);
  }
}
