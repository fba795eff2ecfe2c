/**
 * What can be done from a page: the request, the same as a command, and what it costs. All three are made from the
 * contract, so the page says what `dso` says.
 */
import {
  CONTRACT,
  OPERATION_KINDS,
  ROLES,
  type CommandWords,
  type Endpoint,
  type EndpointName,
  type OperationKind,
  type Role,
} from '@dshard/api';

export type Action = {
  /** Unique among those that are shown together. */
  readonly key: string;
  /** On the button. */
  readonly label: string;
  /** The question before it is done. */
  readonly question: string;
  readonly endpoint: EndpointName;
  readonly parameters: Readonly<Record<string, string>>;
  /** What it costs, where the orchestrator cannot tell by a dry run. null: nothing. */
  readonly costs: string | null;
  /** The orchestrator says what it would do. */
  readonly hasDryRun: boolean;
  readonly isGrave: boolean;
};

export function mayDo(role: Role, { endpoint }: Action): boolean {
  const needs = CONTRACT[endpoint].role;
  return needs === 'none' || ROLES.indexOf(role) >= ROLES.indexOf(needs);
}

type Parameters = Readonly<Record<string, string>>;

function operation(
  kind: OperationKind,
  label: string,
  question: string,
  parameters: Parameters,
  isGrave = false,
): Action {
  return {
    key: `${kind} ${Object.values(parameters).join(' ')}`,
    label,
    question,
    endpoint: 'startOperation',
    parameters: { kind, ...parameters },
    costs: null,
    hasDryRun: true,
    isGrave,
  };
}

function request(
  endpoint: EndpointName,
  label: string,
  question: string,
  parameters: Parameters = {},
  costs: string | null = null,
): Action {
  const key = `${endpoint} ${Object.values(parameters).join(' ')}`;
  return { key, label, question, endpoint, parameters, costs, hasDryRun: false, isGrave: costs !== null };
}

type NodeAbout = {
  readonly id: string;
  readonly connection: 'connected' | 'awaitingTotal' | 'disconnected';
  readonly intent: string;
  readonly shards: number;
  readonly isSilent: boolean;
};

export function nodeActions({ id, connection, intent, shards, isSilent }: NodeAbout): readonly Action[] {
  const isHere = connection !== 'disconnected';
  const cordon =
    intent === 'cordoned'
      ? request('uncordonNode', 'Uncordon', `Let node ${id} have new shards again?`, { node: id })
      : request('cordonNode', 'Cordon', `Give node ${id} no new shards?`, { node: id });
  return [
    ...(isHere && shards > 0
      ? [operation('drain', 'Drain', `Move all shards of node ${id} to the others?`, { origins: id })]
      : []),
    ...(isHere && (intent === 'serving' || intent === 'cordoned') ? [cordon] : []),
    ...(shards > 0 && (!isHere || isSilent)
      ? [operation('takeover', 'Take over', `Is node ${id} dead for certain?`, { nodes: id }, true)]
      : []),
    ...(isHere
      ? [
          request(
            'shutdownNode',
            'Shut down',
            `Drain node ${id}, then shut it down?`,
            { node_id: id },
            'Its process ends when its shards have moved.',
          ),
        ]
      : []),
  ];
}

export const REBALANCE: Action = operation(
  'rebalance',
  'Rebalance',
  'Spread the shards evenly over the open nodes?',
  {},
);

export function rolloutStart(flags: Parameters): Action {
  return operation('rollout', 'Roll out', 'Replace every node by one with the deployed version?', flags);
}

export const FETCH_VERSION: Action = request('pullNewVersion', 'Fetch new version', 'Fetch a newer version?');

export function rolloutActions(isPaused: boolean): { pause: Action; resume: Action; undo: Action; isPaused: boolean } {
  return {
    isPaused,
    pause: request('pauseRollout', 'Pause', 'Pause the rollout? What moves now arrives, nothing else begins.'),
    resume: request('resumeRollout', 'Go on', 'Let the rollout go on?'),
    undo: request(
      'undoRollout',
      'Undo',
      'Move everything back to the old nodes?',
      {},
      'What has moved moves back, live; the new nodes end.',
    ),
  };
}

export function cancelAction(id: string): Action {
  return request(
    'cancelOperation',
    'Cancel',
    `Cancel operation ${id}?`,
    { id },
    'What moves now arrives; nothing else begins.',
  );
}

export function migrateAction(shard: number, destination: string): Action {
  return request('migrateShard', 'Migrate', `Move shard ${shard} to node ${destination}?`, {
    shard: String(shard),
    destination_node: destination,
  });
}

export function unquarantineAction(shards: string): Action {
  return request(
    'unquarantine',
    'Start again',
    `Let ${shards === 'all' ? 'all quarantined shards' : `shard ${shards}`} start again?`,
    { shards },
  );
}

/** As it is typed. null: there is no command for it. */
export function commandOf({ endpoint, parameters }: Pick<Action, 'endpoint' | 'parameters'>): string | null {
  if (endpoint === 'startOperation') {
    const { kind, ...others } = parameters;
    const [first] = OPERATION_KINDS[kind as OperationKind].commands;
    return first === undefined ? null : typed(first, others);
  }
  const { command, ancestor } = CONTRACT[endpoint] as Pick<Endpoint<Parameters>, 'command' | 'ancestor'>;
  if (command === null) return null;
  // The ancestor's names have newer ones beside them.
  return typed(ancestor === true ? { ...command, name: command.alias ?? command.name } : command, parameters);
}

type Words = Pick<CommandWords<string>, 'name' | 'under' | 'arguments'>;

function typed({ name, under, arguments: named = [] }: Words, parameters: Parameters): string {
  const places = named.flatMap(({ parameter, shown }) => {
    const value = parameters[parameter] ?? '';
    if (value === '') return [];
    return shown.endsWith('...') ? value.split(',') : [value];
  });
  const inPlaces = new Set(named.map(({ parameter }) => parameter));
  const flags = Object.entries(parameters)
    .filter(([parameter, value]) => !inPlaces.has(parameter) && value !== '' && value !== 'false')
    .flatMap(([parameter, value]) => [`--${kebab(parameter)}`, ...(value === 'true' ? [] : [value])]);
  return ['dso', ...(under === undefined ? [] : [under]), name, ...places.map(quoted), ...flags.map(quoted)].join(' ');
}

function kebab(name: string): string {
  return name.replaceAll('_', '-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A query as the command that answers it. */
export function queryCommand(list: 'shards' | 'nodes', query: string): string {
  return query.trim() === '' ? `dso ${list}` : `dso ${list} --query ${quoted(query.trim())}`;
}
