/**
 * The configuration: files, variables and flags that nobody meant. Each is used, or refused with a sentence that shows
 * no secret and moves no cursor.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONFIG_KEYS, configEntry, resolveConfig } from '@dshard/api/config';
import { isPrintable } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import type { Dice } from '../input/dice.js';
import type { Door, Input } from './door.js';

const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4.GhIjKl.aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789ab';
const TOO_LONG_MS = 10_000;

type Written = { file: string; environment: Record<string, string>; flags: { key: string; written: string }[] };
type ConfigInput = Input & { written: Written };

export const configuration: Door = {
  name: 'configuration',
  share: 10,
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dso-hostile-'));
    const clock = systemClock();
    return {
      input(dice) {
        const written = anything(dice);
        return {
          what: 'a configuration',
          bytes: Buffer.from(JSON.stringify(written)),
          mutated: false,
          written,
        } as ConfigInput;
      },
      async throwIn(input) {
        const { file, environment, flags } = (input as ConfigInput).written;
        writeFileSync(join(folder, 'dso.yaml'), file, 'latin1');
        const from = clock.monotonicMs();
        try {
          resolveConfig({ cwd: folder, environment, flags: flags.map((flag) => ({ ...flag, flag: `--${flag.key}` })) });
        } catch (error) {
          const found = problemOf(error);
          if (found !== null) return found;
        }
        const took = clock.monotonicMs() - from;
        return took > TOO_LONG_MS ? `it took ${Math.round(took)} ms` : null;
      },
      check: async () => null,
      settled: async () => null,
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
};

function problemOf(error: unknown): string | null {
  if (!(error instanceof Error)) return `what was thrown is no error: ${String(error)}`;
  const isOurs = 'code' in error && String(error.code).startsWith('DSO_');
  if (!isOurs) return `what was thrown is no sentence of ours: ${error.stack ?? error.message}`;
  if (error.message.includes(SECRET.slice(30))) return `the refusal shows a secret: ${error.message}`;
  const unprintable = error.message.split('\n').find((line) => !isPrintable(line));
  return unprintable === undefined ? null : `the refusal cannot be shown: ${JSON.stringify(unprintable)}`;
}

function anything(dice: Dice): Written {
  const environment: Record<string, string> = {};
  const flags: Written['flags'] = [];
  for (let count = dice.below(3); count > 0; count -= 1) {
    const { variable } = configEntry(dice.pick(CONFIG_KEYS));
    if (variable !== null) environment[variable] = value(dice).replaceAll('\0', '');
  }
  for (let count = dice.below(3); count > 0; count -= 1) {
    flags.push({ key: dice.pick(CONFIG_KEYS), written: value(dice) });
  }
  return { file: file(dice), environment, flags };
}

function value(dice: Dice): string {
  return dice.pick([
    SECRET,
    dice.text(),
    String(dice.number()),
    JSON.stringify(dice.value()),
    '0-99999,'.repeat(2_000),
  ]);
}

function file(dice: Dice): string {
  switch (dice.below(9)) {
    case 0:
      return String.fromCharCode(...dice.bytes(dice.below(2_000)));
    case 1:
      return JSON.stringify(dice.value());
    case 2:
      return Array.from({ length: dice.pick([3, 300, 4_000]) }, (_, line) => `key${line}: ${value(dice)}`).join('\n');
    case 3:
      return `${dice.pick(CONFIG_KEYS)}: ${'['.repeat(dice.pick([10, 1_000, 20_000]))}`;
    case 4:
      return `a: &a [${value(dice)}]\nnodes: *a\nlisten: *b\n`;
    case 5:
      return `${SECRET}: 1\n${dice.pick(['discord', 'http', 'launcher', 'store'])}: ${SECRET}\n`;
    case 6:
      return `nodes: "${SECRET}\n`;
    case 7:
      return `? {a: ${value(dice)}}\n: ${value(dice)}\n`;
    default:
      return JSON.stringify(
        Object.fromEntries(
          Array.from({ length: dice.below(6) }, () => [
            dice.pick(CONFIG_KEYS),
            dice.chance(0.5) ? value(dice) : dice.value(),
          ]),
        ),
      );
  }
}
