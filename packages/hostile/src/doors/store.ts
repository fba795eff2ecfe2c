/**
 * The files of the store: a valid one of which bytes were changed, cut off or exchanged. Whoever opens it gets its
 * content, or a sentence, and never a stack, a hang or a second leader. In a process of its own: what damaged files do
 * to a database library is no business of ours.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delay, systemClock } from '@dshard/transport';
import type { Dice } from '../input/dice.js';
import type { Door, Input } from './door.js';

const CHILD = fileURLToPath(new URL('../store-child.js', import.meta.url));
const ANSWER_TIMEOUT_MS = 15_000;
const FILES = ['state.db', 'state.db-wal', 'state.db-shm'] as const;

type StoreInput = Input & { file: (typeof FILES)[number]; content: Buffer };

export const store: Door = {
  name: 'store',
  share: 9,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'dso-hostile-'));
    const [good, path] = [join(folder, 'good.db'), join(folder, 'state.db')];
    let child = fork(CHILD, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const made = await ask(child, { make: good });
    if (made !== 'made') throw new Error(`The store to begin with could not be made: ${made}`);
    const original = readFileSync(good);
    return {
      input(dice) {
        const file = dice.chance(0.8) ? FILES[0] : dice.pick(FILES);
        const { content, what } = damaged(dice, original);
        return { what: `${file}, ${what}`, bytes: content, mutated: false, file, content } as StoreInput;
      },
      async throwIn(input) {
        const { file, content } = input as StoreInput;
        for (const each of FILES) rmSync(join(folder, each), { force: true });
        copyFileSync(good, path);
        writeFileSync(join(folder, file), content);
        if (child.exitCode !== null || child.signalCode !== null) {
          child = fork(CHILD, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
        }
        const answer = await ask(child, { open: path });
        return answer === 'opened' || answer === 'refused' ? null : answer;
      },
      check: async () => null,
      settled: async () => null,
      async close() {
        child.kill('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

async function ask(child: ChildProcess, question: { make: string } | { open: string }): Promise<string> {
  const over = new AbortController();
  const { signal } = over;
  const never = (): Promise<never> => new Promise(() => undefined);
  const told = once(child, 'message', { signal }).then(([answer]) => String(answer), never);
  const died = once(child, 'exit', { signal }).then(
    ([code, by]) => `the process ended with ${String(code ?? by)}`,
    never,
  );
  const late = delay(systemClock(), ANSWER_TIMEOUT_MS, signal).then(() => 'there is no answer', never);
  child.send(question);
  return Promise.race([told, died, late]).finally(() => over.abort());
}

function damaged(dice: Dice, original: Buffer): { content: Buffer; what: string } {
  const content = Buffer.from(original);
  switch (dice.below(8)) {
    case 0:
      return { content: content.subarray(0, dice.below(content.length)), what: 'cut off' };
    case 1:
      return { content: Buffer.from(dice.bytes(dice.below(10_000))), what: 'noise' };
    case 2:
      return { content: Buffer.alloc(dice.pick([0, 1, 4_096, 65_536])), what: 'zeros' };
    case 3: {
      const [from, to] = [dice.below(content.length), dice.below(content.length)];
      content.copy(content, to, from, from + 4_096);
      return { content, what: 'one page over another' };
    }
    case 4:
      for (let count = 0; count < 200; count += 1) content[dice.below(content.length)] = dice.below(256);
      return { content, what: '200 bytes are others' };
    case 5:
      content[dice.below(100)] = dice.below(256);
      return { content, what: 'a byte of the head is another' };
    case 6: {
      // A value of a record: JSON that means something else.
      const text = content.toString('latin1');
      const at = text.indexOf(
        dice.pick(['"epoch":', '"shard', '"kind":', '"session', '{', '"total']),
        dice.below(text.length),
      );
      if (at >= 0) content.write(dice.pick(['null', '-999', '"\\u001b"', '[[[[', '}}}}']), at, 'latin1');
      return { content, what: 'a record says something else' };
    }
    default:
      content[dice.below(content.length)] = dice.below(256);
      return { content, what: 'a byte is another' };
  }
}
