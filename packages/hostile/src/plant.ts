/**
 * A hole that the suite must find, loaded into a process before its program: whoever sends a name that no honest peer
 * has ends the process, or costs it descriptors that never come back.
 */
import { openSync } from 'node:fs';
import { Socket } from 'node:net';

const NEVER_USED = '__proto__';
const emit = Reflect.get(Socket.prototype, 'emit') as (this: Socket, ...event: unknown[]) => boolean;

Socket.prototype.emit = function planted(this: Socket, event: string | symbol, ...values: unknown[]): boolean {
  const [chunk] = values;
  if (event === 'data' && Buffer.isBuffer(chunk) && chunk.includes(NEVER_USED)) hole();
  return emit.call(this, event, ...values);
};

function hole(): void {
  if (process.env['HOSTILE_PLANT'] === 'crash') process.abort();
  for (let lost = 0; lost < 20; lost += 1) openSync('/dev/null', 'r');
}
