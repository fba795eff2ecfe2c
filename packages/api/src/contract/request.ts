/** How an entry of the contract is asked over HTTP. */
import { CONTRACT } from './contract.js';
import type { EndpointName } from './documents.js';
import type { Method } from '../endpoint.js';

export type ApiRequest = {
  readonly method: Method;
  /** With its query. */
  readonly path: string;
  /** A form; null for GET. */
  readonly body: string | null;
};

/** Parameters as text, as a command line and a form have them. */
export type WrittenParameters = Readonly<Record<string, string>>;

export const FORM_CONTENT_TYPE = 'application/x-www-form-urlencoded';

export function requestFor(name: EndpointName, parameters: WrittenParameters = {}): ApiRequest {
  const { method, path } = CONTRACT[name];
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, parameter = '']) => parameter));
  const filled = path.replaceAll(/:(\w+)/g, (_, parameter: string) => encodeURIComponent(parameters[parameter] ?? ''));
  const others = Object.entries(parameters).filter(([parameter]) => !inPath.has(parameter));
  const written = new URLSearchParams(others).toString();
  if (method === 'POST') return { method, path: filled, body: written };
  return { method, path: written === '' ? filled : `${filled}?${written}`, body: null };
}
