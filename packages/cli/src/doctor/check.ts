/** What `dso doctor` says of one thing: how it is, in a sentence, and what to do where it is not well. */
import { printable, withoutTokens } from '@dshard/protocol';
import { painted, type Terminal, type Tone } from '../output/terminal.js';
import { wrapped } from '../output/wrap.js';

/** `skip`: it could not be looked at, and that alone is no fault. */
type CheckState = 'ok' | 'warn' | 'fail' | 'skip';

export type Check = {
  readonly name: string;
  readonly state: CheckState;
  readonly text: string;
  /** null: nothing. */
  readonly remedy: string | null;
};

export function ok(name: string, text: string): Check {
  return { name, state: 'ok', text, remedy: null };
}

export function skip(name: string, text: string): Check {
  return { name, state: 'skip', text, remedy: null };
}

export function warn(name: string, text: string, remedy: string): Check {
  return { name, state: 'warn', text, remedy };
}

export function fail(name: string, text: string, remedy: string): Check {
  return { name, state: 'fail', text, remedy };
}

const TONES: Readonly<Record<CheckState, Tone>> = { ok: 'good', warn: 'warning', fail: 'bad', skip: 'faint' };
const NAME_WIDTH = 14;

/** A line for each, and below those that are not well what to do. */
export function linesOf(checks: readonly Check[], terminal: Terminal): readonly string[] {
  const { columns } = terminal;
  return checks.flatMap(({ name, state, text, remedy }) => {
    const head = `${state.padEnd(5)} ${name.padEnd(NAME_WIDTH)} `;
    const [first = '', ...others] = wrapped(`${head}${safe(text)}`, columns, 8);
    const todo = remedy === null ? [] : wrapped(`      → ${safe(remedy)}`, columns, 8);
    return [`${painted(first.slice(0, 5), TONES[state], terminal)}${first.slice(5)}`, ...others, ...todo];
  });
}

/** No token reaches a terminal or a log, whoever said it. */
function safe(text: string): string {
  return withoutTokens(printable(text));
}

export function documentOf(checks: readonly Check[]): { ok: boolean; checks: readonly Check[] } {
  const shown = checks.map((check) => ({
    ...check,
    text: safe(check.text),
    remedy: check.remedy === null ? null : safe(check.remedy),
  }));
  return { ok: checks.every(({ state }) => state !== 'fail'), checks: shown };
}
