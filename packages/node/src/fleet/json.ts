/** Values as they travel in fleet calls: JSON, as UTF-8, bounded. */
import { messageOf } from '@dshard/protocol';
import { NodeError } from '../errors.js';

const encoder = new TextEncoder();
type Replacer = (name: string, value: unknown) => unknown;

const decoder = new TextDecoder();

/** `undefined` travels as null. Throws `DSO_CALL_INVALID`, naming `what`. */
export function toJson(what: string, value: unknown, maxBytes: number, replacer?: Replacer): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, replacer);
  } catch (error) {
    throw invalid(`${what} cannot travel as JSON: ${messageOf(error)}.`);
  }
  const json = encoder.encode(text ?? 'null');
  if (json.length > maxBytes) {
    throw invalid(`${what} has ${json.length} bytes as JSON, and ${maxBytes} are allowed.`);
  }
  return json;
}

/** Throws `DSO_CALL_INVALID` for what is no JSON. */
export function fromJson(what: string, json: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(json));
  } catch (error) {
    throw invalid(`${what} came as something that is no JSON: ${messageOf(error)}.`);
  }
}

function invalid(message: string): NodeError {
  return new NodeError('DSO_CALL_INVALID', message);
}
