/**
 * The kinds of operations: what `POST /v1/operations` takes to start one, and the commands of `dso` that start one and
 * wait for its end. A kind is listed, shown, watched and cancelled like every other, so this is all that REST and the
 * command line know of it.
 */
import { flag, nodeId, type Field } from './values/field.js';
import type { CommandWords, Parameters } from './endpoint.js';

/** What each kind takes, as the server has it when the parameters were read. */
export type OperationPlans = {
  drain: { origin: string; destination: string; shutdown: boolean };
  rollout: object;
};

export type OperationKind = keyof OperationPlans;

export type OperationEntry<Takes extends object> = {
  /** For the reference page. */
  readonly about: string;
  readonly parameters: Parameters<Takes>;
  /** The first is the ancestor's, where it has one. */
  readonly commands: readonly Omit<CommandWords<keyof Takes & string>, 'interrupt'>[];
};

const node: Field<string> = nodeId();

export const OPERATION_KINDS: { readonly [K in OperationKind]: OperationEntry<OperationPlans[K]> } = {
  drain: {
    about: 'moves all shards of a node to another node; with `shutdown` then shuts the first node down',
    parameters: {
      origin: { field: node },
      destination: { field: node },
      shutdown: { field: flag(), fallback: false },
    },
    commands: [
      {
        name: 'migratenode',
        help: 'move all shards of a node to another node, then shut the first node down',
        examples: ['dso migratenode web-1 web-2', 'dso migratenode web-1 web-2 --no-shutdown'],
        arguments: [
          { shown: 'from', parameter: 'origin' },
          { shown: 'to', parameter: 'destination' },
        ],
        options: [{ flags: '--no-shutdown', help: 'leave the drained node running' }],
      },
    ],
  },
  rollout: {
    about: 'replaces every node by a new node with the deployed version',
    parameters: {},
    commands: [
      {
        name: 'fullmigration',
        alias: 'rollout',
        help: 'replace every node by a new node with the deployed version (`dso cancel` stops a rollout)',
        examples: ['dso rollout', 'dso pullnewversion && dso rollout', 'dso rollout --detach'],
      },
    ],
  },
};

export const KINDS_OF_OPERATIONS: readonly OperationKind[] = Object.keys(OPERATION_KINDS) as OperationKind[];
