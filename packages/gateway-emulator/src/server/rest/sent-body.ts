/** Bodies as Discord takes them: JSON, or multipart with `payload_json` and files. */
import type { HttpRequest } from '../http.js';
import type { UploadedFile } from '../../world/message-body.js';
import { RestError } from '../../world/rest-error.js';

/** Throws RestError `invalidJson`. */
export async function readSent(request: HttpRequest): Promise<{ json: unknown; files: UploadedFile[] }> {
  const { contentType } = request;
  if (contentType?.startsWith('multipart/form-data')) return readForm(await request.readBytes(), contentType);
  const text = await request.readBody();
  return { json: text.trim() === '' ? {} : parse(text), files: [] };
}

async function readForm(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<{ json: unknown; files: UploadedFile[] }> {
  let form: FormData;
  try {
    form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new RestError('invalidJson');
  }
  const payload = form.get('payload_json');
  const fields = [...form.entries()];
  const files = fields.flatMap(([, value]) =>
    typeof value === 'string' ? [] : [{ filename: value.name, size: value.size }],
  );
  if (typeof payload === 'string') return { json: parse(payload), files };
  const texts = fields.filter(([, value]) => typeof value === 'string');
  return { json: Object.fromEntries(texts), files };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RestError('invalidJson');
  }
}
