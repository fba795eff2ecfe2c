/**
 * Where the demo shows itself. On a terminal one picture that updates in place; elsewhere plain lines as things happen,
 * so that a log file or a CI run reads well.
 */
import { drawPicture, stepLine, type Picture, type StepRow } from './picture.js';

export type Screen = {
  /** A step began or ended. */
  step(step: StepRow): void;
  /** A line of the orchestrator's log. */
  log(line: string): void;
  /** Something to read when everything is over; stays on the terminal. */
  say(text: string): void;
  /** Called a few times a second with the newest figures. */
  refresh(picture: () => Picture): void;
  /** What is shown stays; what comes is written below it. */
  keep(): void;
};

/** Plain lines. */
export function lineScreen(stream: NodeJS.WritableStream): Screen {
  return {
    step: (step) => stream.write(`${stepLine(step)}\n`),
    log: (line) => stream.write(`    ${line}\n`),
    say: (text) => stream.write(`${text}\n`),
    refresh: () => undefined,
    keep: () => undefined,
  };
}

/** One picture, redrawn in place below whatever was there. */
export function terminalScreen(stream: NodeJS.WriteStream): Screen {
  let drawn = 0;
  const erase = (): void => {
    if (drawn > 0) stream.write(`\u001B[${drawn}A\u001B[0J`);
    drawn = 0;
  };
  return {
    step: () => undefined,
    log: () => undefined,
    say: (text) => {
      erase();
      stream.write(`${text}\n`);
    },
    refresh: (picture) => {
      const lines = drawPicture(picture(), stream.columns).slice(0, Math.max(1, stream.rows - 1));
      erase();
      stream.write(`${lines.join('\n')}\n`);
      drawn = lines.length;
    },
    keep: () => {
      drawn = 0;
    },
  };
}
