/** The fixed list of cells: every framework is put through each. */
import type { Cell } from '../cell.js';
import { answer, button, start } from './answers.js';
import { longCommand, notReturnedCommand, returnedCommand } from './commands.js';
import { lead } from './lead.js';
import { kill, rejections, rollout, shutdown } from './processes.js';
import { members, presence } from './ready.js';

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
];
