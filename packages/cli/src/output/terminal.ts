/** What a stream can show: how wide it is, and whether it takes colours. */
import { styleText } from 'node:util';

export type Terminal = {
  /** null: a file or a pipe, where every line is whole. */
  readonly columns: number | null;
  readonly hasColours: boolean;
};

export type Tone = 'good' | 'warning' | 'bad' | 'faint';

type Stream = { readonly isTTY?: boolean; readonly columns?: number };
type Environment = Readonly<Record<string, string | undefined>>;

const USUAL_COLUMNS = 80;

/** No colour without a terminal, with NO_COLOR, or on a dumb terminal. */
export function terminalOf(stream: Stream = process.stdout, environment: Environment = process.env): Terminal {
  if (stream.isTTY !== true) return { columns: null, hasColours: false };
  const { NO_COLOR, TERM } = environment;
  return {
    columns: stream.columns === undefined || stream.columns < 1 ? USUAL_COLUMNS : stream.columns,
    hasColours: (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb',
  };
}

const STYLES = { good: 'green', warning: 'yellow', bad: 'red', faint: 'gray' } as const;

/** The text as it is where there are no colours. */
export function painted(text: string, tone: Tone | null, { hasColours }: Pick<Terminal, 'hasColours'>): string {
  if (tone === null || !hasColours) return text;
  // Whether the stream takes colours was decided already.
  return styleText(STYLES[tone], text, { validateStream: false });
}
