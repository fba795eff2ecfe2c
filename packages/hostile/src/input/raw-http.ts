/** HTTP as strangers speak it: bytes in, and whatever came back until the server has closed or nothing more comes. */
import { createConnection } from 'node:net';
import { parseAddress, systemClock } from '@dshard/transport';

const PATIENCE_MS = 150;
const MAX_ANSWER = 256 * 1024;

export function sayTo(address: string, bytes: Uint8Array): Promise<string> {
  const clock = systemClock();
  return new Promise((resolve) => {
    const socket = createConnection(parseAddress(address));
    let text = '';
    const end = (): void => {
      cancel();
      socket.destroy();
      resolve(text);
    };
    let cancel = clock.after(PATIENCE_MS, end);
    socket.on('error', () => undefined).on('close', end);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      cancel();
      if (text.length > MAX_ANSWER || isWhole(text)) end();
      else cancel = clock.after(PATIENCE_MS, end);
    });
    socket.on('connect', () => socket.write(bytes));
  });
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, head))?.[1];
  return length !== undefined && text.length >= head + 4 + Number(length);
}

/** What no answer may be, or null. */
export function problemOf(answer: string): string | null {
  if (answer === '') return null;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
  if (status === 0) return `the answer is no HTTP: ${answer.slice(0, 100)}`;
  if (status >= 500 && status !== 503) return `the answer is ${answer.slice(0, 400)}`;
  if (/\\n {4}at |node:internal|TypeError|\/dist\/[^\s"]*:\d/.test(answer))
    return `the answer shows a stack: ${answer.slice(0, 600)}`;
  return null;
}
