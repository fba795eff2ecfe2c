/** What Discord's REST refuses something with. Codes and words: "Opcodes and Status Codes: JSON Error Codes". */

/** Problems by field, nested as Discord nests them: `{ content: { _errors: [{ code, message }] } }`. */
export type FieldErrors = { [field: string]: FieldErrors | { _errors: { code: string; message: string }[] } };

const refusals = {
  unauthorized: { status: 401, code: 0, message: '401: Unauthorized' },
  notFound: { status: 404, code: 0, message: '404: Not Found' },
  methodNotAllowed: { status: 405, code: 0, message: '405: Method Not Allowed' },
  unknownApplication: { status: 404, code: 10_002, message: 'Unknown Application' },
  unknownChannel: { status: 404, code: 10_003, message: 'Unknown Channel' },
  unknownGuild: { status: 404, code: 10_004, message: 'Unknown Guild' },
  unknownMember: { status: 404, code: 10_007, message: 'Unknown Member' },
  unknownMessage: { status: 404, code: 10_008, message: 'Unknown Message' },
  unknownUser: { status: 404, code: 10_013, message: 'Unknown User' },
  unknownWebhook: { status: 404, code: 10_015, message: 'Unknown Webhook' },
  unknownInteraction: { status: 404, code: 10_062, message: 'Unknown interaction' },
  unknownCommand: { status: 404, code: 10_063, message: 'Unknown application command' },
  tooManyCommands: { status: 400, code: 30_032, message: 'Maximum number of application commands reached (100).' },
  alreadyAcknowledged: { status: 400, code: 40_060, message: 'Interaction has already been acknowledged.' },
  notYours: { status: 403, code: 50_005, message: 'Cannot edit a message authored by another user' },
  emptyMessage: { status: 400, code: 50_006, message: 'Cannot send an empty message' },
  notText: { status: 400, code: 50_008, message: 'Cannot send messages in a non-text channel' },
  missingAccess: { status: 403, code: 50_001, message: 'Missing Access' },
  invalidForm: { status: 400, code: 50_035, message: 'Invalid Form Body' },
  invalidVersion: { status: 400, code: 50_041, message: 'Invalid API version' },
  invalidJson: { status: 400, code: 50_109, message: 'The request body contains invalid JSON.' },
} as const;

export type Refusal = keyof typeof refusals;

export class RestError extends Error {
  override readonly name: string = 'RestError';
  readonly status: number;
  readonly body: { message: string; code: number; errors?: FieldErrors };

  constructor(refusal: Refusal, errors?: FieldErrors) {
    const { status, code, message } = refusals[refusal];
    super(message);
    this.status = status;
    this.body = { message, code, ...(errors === undefined ? {} : { errors }) };
  }
}

/** One problem with the field at `path`. */
function fieldError(path: readonly string[], code: string, message: string): FieldErrors {
  return path.reduceRight<FieldErrors>((inner, field) => ({ [field]: inner }), {
    ...({ _errors: [{ code, message }] } as unknown as FieldErrors),
  });
}

/** Invalid Form Body because of the field at `path`. */
export function invalidField(path: readonly string[], code: string, message: string): RestError {
  return new RestError('invalidForm', fieldError(path, code, message));
}
