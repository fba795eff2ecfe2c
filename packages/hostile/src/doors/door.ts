/** One door: where input of strangers comes in, and how to see that it held. */
import type { Plant } from '../behind/victim.js';
import type { Dice } from '../input/dice.js';

export type Input = {
  /** In words, for who reads a failure. */
  what: string;
  bytes: Uint8Array;
  /** It was a valid frame before, and came after a handshake. */
  mutated: boolean;
};

export type DoorName =
  'node-port' | 'node-port-without-token' | 'node-library' | 'rest' | 'api' | 'configuration' | 'store' | 'emulator';

export type OpenDoor = {
  input(dice: Dice): Input;
  /** Resolves with what did not hold, or null. */
  throwIn(input: Input, dice: Dice): Promise<string | null>;
  /** Now and then, and at the end: whether everything behind the door is as it was. */
  check(): Promise<string | null>;
  /** At the very end: memory and descriptors are back. */
  settled(): Promise<string | null>;
  close(): Promise<void>;
};

export type Door = {
  name: DoorName;
  /** Of a hundred inputs. */
  share: number;
  /** Whether a planted hole can be behind this one. */
  open(options: { seed: number; plant: Plant | null }): Promise<OpenDoor>;
};
