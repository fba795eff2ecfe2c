/**
 * libsql lets a connection's files go when the last of its statements was collected, not when the connection is closed.
 * That is a matter of minutes; who needs the files let go has them collected now. The files are free a turn later.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export function collectGarbage(): void {
  try {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  } catch {
    // Not every runtime can be told to: then it is done when it is done.
  }
}
