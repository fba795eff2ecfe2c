/**
 * Every error this package throws on purpose. The table is the one place that says what a code means and what to do
 * about it; `docs/reference/errors.md` is made from it.
 */
import { CodedError } from '@dshard/protocol';

export const EMULATOR_ERRORS = {
  DSO_EMULATOR_BAD_OPTION: {
    meaning: 'An option of the gateway emulator is unknown or has a value that it cannot have.',
    remedy: 'Correct the option named in the message.',
  },
  DSO_EMULATOR_PORT_TAKEN: {
    meaning: 'The port the emulator should listen on is in use.',
    remedy: 'Stop what listens there, or choose another port (0 takes any free one).',
    retryable: true,
  },
  DSO_EMULATOR_LISTEN_FAILED: {
    meaning: 'The emulator could not listen on 127.0.0.1.',
    remedy: 'See the cause: usually a port below 1024 or one that the system keeps for itself.',
  },
  DSO_EMULATOR_BAD_REPORT: {
    meaning: 'A report of handled events is not in the documented shape.',
    remedy: 'Send { node, events: [{ shard, s, id, t, at }] }, several of them as an array or one per line.',
  },
  DSO_EMULATOR_NAMESPACE: {
    meaning: 'A bot cannot be run in a network namespace with the emulator, or the emulator ended while it ran.',
    remedy: 'dso-gateway-netns needs Linux, root and ip (iproute2); the message says what failed.',
  },
  DSO_EMULATOR_CA_NOT_WRITTEN: {
    meaning: "The certificate of the emulator's own authority cannot be written.",
    remedy: 'Name a file in a folder that exists and can be written (caFile, --ca-file).',
  },
  DSO_EMULATOR_NOT_SETTLED: {
    meaning: 'Events were emitted that the bot did not report as handled in the time given.',
    remedy: 'See which shards the message names; stop the traffic first, and wait longer where the bot is slow.',
    retryable: true,
  },
  DSO_EMULATOR_BAD_SCRIPT: {
    meaning: 'A script of events cannot be read, or a line of it is not in the documented shape.',
    remedy: 'Write one JSON object per line, { "at": ms, "event": { "t", "d" } }; the message names the line.',
  },
  DSO_EMULATOR_BAD_REQUEST: {
    meaning: 'A request to the admin interface is not in the documented shape.',
    remedy: 'Ask GET /emulator, or see docs/reference/gateway-emulator-http.md.',
  },
} as const;

export type EmulatorErrorCode = keyof typeof EMULATOR_ERRORS;

export class EmulatorError extends CodedError<EmulatorErrorCode> {
  override readonly name: string = 'EmulatorError';

  constructor(code: EmulatorErrorCode, message: string, options?: { cause?: unknown }) {
    super(EMULATOR_ERRORS, code, message, options);
  }
}

/** A request to the admin interface, or a call in its place, that cannot be carried out. */
export function badRequest(problem: string, cause?: unknown): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_REQUEST', `The request is refused: ${problem}.`, { cause });
}
