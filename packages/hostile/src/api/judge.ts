/** Whether an answer is what the OpenAPI document says, and no more than the role may have. */
import { messageOf } from '@dshard/protocol';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ApiCall, ApiDocument } from './calls.js';

export type Role = 'none' | 'read' | 'operate' | 'admin';
export type ApiAnswer = { readonly status: number; readonly type: string; readonly text: string };

const RANKS: Readonly<Record<Role, number>> = { none: 0, read: 1, operate: 2, admin: 3 };

export function mayAsk(role: Role, { operation }: ApiCall): boolean {
  return operation !== undefined && RANKS[role] >= RANKS[operation['x-role']];
}

export class ApiJudge {
  readonly #validator: Ajv2020;
  readonly #checks = new Map<string, ValidateFunction>();

  constructor(document: ApiDocument) {
    this.#validator = new Ajv2020({ strict: false, validateFormats: false });
    this.#validator.addSchema(document, 'api');
  }

  /** @returns what is wrong with it, or null. */
  problemOf(call: ApiCall, role: Role, { status, type, text }: ApiAnswer): string | null {
    const { operation } = call;
    if (status >= 500 && !(status === 503 && operation?.responses['503'] !== undefined))
      return `it answered ${status}: ${text}`;
    if (operation === undefined || call.method === 'HEAD') return null;
    if (!mayAsk(role, call)) {
      // A body that cannot be read is refused before anybody looks who sent it.
      const isRefusal = [400, 401, 403, 404, 413, 415, 429].includes(status);
      return isRefusal ? null : `it answered ${status} to the role ${role}: ${text.slice(0, 500)}`;
    }
    if (operation.responses[String(status)] === undefined)
      return `${status} is not in the document: ${text.slice(0, 500)}`;
    return type === 'application/json' ? this.#schemaProblem(call, status, text) : null;
  }

  #schemaProblem({ template, method }: ApiCall, status: number, text: string): string | null {
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch (error) {
      return `its answer is no JSON (${messageOf(error)}): ${text.slice(0, 500)}`;
    }
    const steps = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      'application/json',
      'schema',
    ];
    const pointer = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const check = this.#checks.get(pointer) ?? this.#validator.compile({ $ref: `api#/${pointer}` });
    this.#checks.set(pointer, check);
    if (check(document)) return null;
    return `its answer (${status}) is not what the document says: ${this.#validator.errorsText(check.errors)}: ${text.slice(0, 500)}`;
  }
}
