/** Writes what an emulator emits into a file, as a script that `--script` plays. */
import { createWriteStream } from 'node:fs';
import type { Clock } from '@dshard/transport';
import { systemClock } from '@dshard/transport';
import type { GatewayEmulator } from './emulator.js';
import { EmulatorError } from './errors.js';
import { scriptLine } from './world/script.js';

export type Recording = { close: () => Promise<void> };

/** Throws `DSO_EMULATOR_BAD_SCRIPT` when the file cannot be written. */
export async function startRecording(
  gateway: GatewayEmulator,
  file: string,
  clock: Clock = systemClock(),
): Promise<Recording> {
  const stream = createWriteStream(file);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (cause) =>
      reject(new EmulatorError('DSO_EMULATOR_BAD_SCRIPT', `${file} cannot be written: ${cause.message}`, { cause })),
    );
  });
  const startedAt = clock.monotonicMs();
  const stop = gateway.onEmitted((event) => stream.write(`${scriptLine(clock.monotonicMs() - startedAt, event)}\n`));
  return {
    close: () => {
      stop();
      return new Promise((resolve) => stream.end(resolve));
    },
  };
}
