/** The fixed list of cells. Every framework is put through each, but for those that are about one framework only. */
import type { Cell } from '../cell.js';
import { answer, button, start } from './answers.js';
import { longCommand, notReturnedCommand, returnedCommand } from './commands.js';
import { lead } from './lead.js';
import { kill, rejections, rollout, shutdown } from './processes.js';
import { members, presence } from './ready.js';
import { rows } from './rows.js';
import type { Framework } from '../frameworks.js';

export const cells: readonly Cell[] = [
  start,
  answer,
  presence,
  members,
  returnedCommand,
  notReturnedCommand,
  longCommand,
  button,
  rollout,
  kill,
  lead,
  shutdown,
  rejections,
  ...rows,
];

/** Those of `cells` that a framework has to pass. */
export function cellsOf({ name }: Pick<Framework, 'name'>, of: readonly Cell[] = cells): Cell[] {
  return of.filter(({ only }) => only === undefined || only === name);
}
