/** Ctrl-C ends the waiting for what goes on without us, and says what goes on. A second one ends the program. */

/** What shells say of a program that Ctrl-C ended. */
const INTERRUPTED_EXIT_CODE = 130;

export async function interruptible<T>(goesOn: string, awaited: Promise<T>): Promise<T> {
  const onInterrupt = (): void => void process.stderr.write(`\n${goesOn}\n`, () => process.exit(INTERRUPTED_EXIT_CODE));
  process.once('SIGINT', onInterrupt);
  try {
    return await awaited;
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}
