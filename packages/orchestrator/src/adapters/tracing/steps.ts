/** What of a history becomes spans, as plain data: an operation is a span, and so is each migration, below its operation. */
import type { HistoryEntry, HistoryName } from '../../domain/state/effects.js';
import type { MigrationState, OrchestratorState } from '../../domain/state/state.js';

type Attributes = Readonly<Record<string, string | number | boolean | number[] | string[]>>;

export type SpanStep = {
  /** Of the operation or migration. */
  readonly id: string;
  readonly attributes: Attributes;
} & (
  | { readonly kind: 'begin'; readonly name: string; readonly parent: string | null }
  | { readonly kind: 'event'; readonly name: string }
  /** `failure`: why it did not succeed. */
  | { readonly kind: 'end'; readonly failure: string | null }
);

type Facts = HistoryEntry['fields'];

/** Of one entry. Most entries are about neither. */
export function spanStepsOf({
  name,
  fields,
  text,
  by,
}: Pick<HistoryEntry, 'name' | 'fields' | 'text' | 'by'>): SpanStep[] {
  const about = { ...attributesOf(fields), 'dso.by': by };
  const operation = textIn(fields, 'operation');
  const migration = textIn(fields, 'migration');
  switch (name) {
    case 'operationStarted':
      if (operation === null) return [];
      return [
        {
          kind: 'begin',
          id: operation,
          name: `operation ${textIn(fields, 'kind')}`,
          parent: textIn(fields, 'parent'),
          attributes: about,
        },
      ];
    case 'operationProgress':
    case 'operationCancelled':
      return operation === null
        ? []
        : [{ kind: 'event', id: operation, name, attributes: { ...about, 'dso.text': text } }];
    case 'operationEnded':
      return operation === null
        ? []
        : [{ kind: 'end', id: operation, failure: fields['ok'] === true ? null : text, attributes: about }];
    case 'migrationAnnounced':
    case 'migrationStarted':
      if (migration === null) return [];
      return [
        { kind: 'begin', id: migration, name: 'migration', parent: operation, attributes: about },
        { kind: 'event', id: migration, name, attributes: {} },
      ];
    case 'migrationCompleted':
      return migration === null ? [] : [{ kind: 'end', id: migration, failure: null, attributes: about }];
    case 'migrationFailed':
      return migration === null ? [] : [{ kind: 'end', id: migration, failure: text, attributes: about }];
    default:
      return [];
  }
}

/** The names of entries that become something. */
export const TRACED: ReadonlySet<HistoryName> = new Set([
  'operationStarted',
  'operationProgress',
  'operationCancelled',
  'operationEnded',
  'migrationAnnounced',
  'migrationStarted',
  'migrationCompleted',
  'migrationFailed',
]);

type Migrations = OrchestratorState['migrations'];

/** The steps that migrations have entered between two states: an event each. */
export function stepsBetween(before: Migrations, after: Migrations): SpanStep[] {
  if (before === after) return [];
  return [...after.values()]
    .filter(({ id, step }) => before.get(id)?.step.kind !== step.kind)
    .map(({ id, step }: MigrationState) => ({ kind: 'event', id, name: step.kind, attributes: {} }));
}

function attributesOf(fields: Facts): Attributes {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[`dso.${name}`, plain(value)]])),
  );
}

function plain(value: Exclude<Facts[string], null>): Attributes[string] {
  if (typeof value !== 'object') return value;
  return value.length > 0 && typeof value[0] === 'string' ? value.map(String) : value.map(Number);
}

function textIn(fields: Facts, name: string): string | null {
  const value = fields[name];
  return typeof value === 'string' ? value : null;
}
