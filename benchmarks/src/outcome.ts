/** How every benchmark says what it measured: lines for people on stderr, one document for programs on stdout. */
import { cpus, totalmem } from 'node:os';
import { InvalidArgumentError } from 'commander';

export type Target = {
  what: string;
  value: number;
  /** What the value must be at least or at most. null: a figure without a target, such as the floor of the same run. */
  target: number | null;
  ok: boolean;
};

export type Outcome = { name: string; targets: readonly Target[] } & Readonly<Record<string, unknown>>;

export const atLeast = (what: string, value: number, target: number): Target => ({
  what,
  value,
  target,
  ok: value >= target,
});

export const atMost = (what: string, value: number, target: number): Target => ({
  what,
  value,
  target,
  ok: value <= target,
});

/** A figure to read the others by. */
export const figure = (what: string, value: number): Target => ({ what, value, target: null, ok: true });

export const ratioOf = (value: number, floor: number): number => Number((value / floor).toFixed(2));

/** Where it was measured. Figures of two machines, or of two runs, are not to be compared. */
export function machine(): string {
  const gigabytes = Math.round(totalmem() / 1_073_741_824);
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, ${gigabytes} GB, Node.js ${process.version}`;
}

export function tell(outcome: Outcome, { json }: { json?: true }): void {
  for (const target of outcome.targets) console.error(lineOf(target));
  if (json === true) console.log(JSON.stringify({ ...outcome, machine: machine() }));
}

export function lineOf({ what, value, target, ok }: Target): string {
  if (target === null) return `  ${what}: ${value}`;
  return `  ${what}: ${value} (target ${target}: ${ok ? 'holds' : 'missed'})`;
}

/** For options of commander: an integer from 1 on. */
export function whole(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new InvalidArgumentError('It must be an integer from 1 on.');
  return Number(value);
}
