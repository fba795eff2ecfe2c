/**
 * A hole that the suite must find, loaded into a process before its program: whoever sends the byte 0xc1, which no
 * MessagePack has, ends the process, or costs it a descriptor that never comes back.
 */
import { openSync } from 'node:fs';
import { Socket } from 'node:net';

const NEVER_USED = 0xc1;
const emit = Reflect.get(Socket.prototype, 'emit') as (this: Socket, ...event: unknown[]) => boolean;

Socket.prototype.emit = function planted(this: Socket, event: string | symbol, ...values: unknown[]): boolean {
  const [chunk] = values;
  if (event === 'data' && chunk instanceof Uint8Array && chunk.includes(NEVER_USED)) hole();
  return emit.call(this, event, ...values);
};

function hole(): void {
  if (process.env['HOSTILE_PLANT'] === 'crash') process.abort();
  openSync('/dev/null', 'r');
}
