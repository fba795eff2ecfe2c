/**
 * What of a history becomes spans, as plain data: an operation is a span, and so is each migration, below its
 * operation.
 */
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

/** Of what an entry is about, and what it says of it. */
type Told = { readonly id: string; readonly text: string; readonly fields: Facts; readonly attributes: Attributes };

const begin = ({ id, fields, attributes }: Told, name: string, parent: string): SpanStep => ({
  kind: 'begin',
  id,
  name,
  parent: textIn(fields, parent),
  attributes,
});
const event = ({ id, text, attributes }: Told, name: string): SpanStep => ({
  kind: 'event',
  id,
  name,
  attributes: { ...attributes, 'dso.text': text },
});
const end = ({ id, attributes }: Told, failure: string | null): SpanStep => ({ kind: 'end', id, failure, attributes });

/** What each entry becomes, and which of its fields names the span. */
const SPANS: {
  readonly [Name in HistoryName]?: { readonly of: 'operation' | 'migration'; steps(told: Told): SpanStep[] };
} = {
  operationStarted: {
    of: 'operation',
    steps: (told) => [begin(told, `operation ${textIn(told.fields, 'kind') ?? ''}`, 'parent')],
  },
  operationProgress: { of: 'operation', steps: (told) => [event(told, 'operationProgress')] },
  operationCancelled: { of: 'operation', steps: (told) => [event(told, 'operationCancelled')] },
  operationEnded: {
    of: 'operation',
    steps: (told) => [end(told, told.fields['ok'] === true ? null : told.text)],
  },
  migrationAnnounced: {
    of: 'migration',
    steps: (told) => [begin(told, 'migration', 'operation'), event(told, 'migrationAnnounced')],
  },
  migrationStarted: {
    of: 'migration',
    steps: (told) => [begin(told, 'migration', 'operation'), event(told, 'migrationStarted')],
  },
  migrationCompleted: { of: 'migration', steps: (told) => [end(told, null)] },
  migrationFailed: { of: 'migration', steps: (told) => [end(told, told.text)] },
};

/** Of one entry. Most entries are about neither. */
export function spanStepsOf(entry: Pick<HistoryEntry, 'name' | 'fields' | 'text' | 'by'>): SpanStep[] {
  const { name, fields, text, by } = entry;
  const made = SPANS[name];
  const id = made === undefined ? null : textIn(fields, made.of);
  if (made === undefined || id === null) return [];
  return made.steps({ id, text, fields, attributes: { ...attributesOf(fields), 'dso.by': by } });
}

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
