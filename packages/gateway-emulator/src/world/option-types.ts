/** Types of command options, by Discord's numbers ("Application Commands: Application Command Option Type"). */
export const optionTypes = {
  subcommand: 1,
  subcommandGroup: 2,
  string: 3,
  integer: 4,
  boolean: 5,
  user: 6,
  channel: 7,
  role: 8,
  mentionable: 9,
  number: 10,
  attachment: 11,
} as const;

/** What the values of an option are in JSON, where its author chooses them; null: they are ids, files or yes and no. */
export function choiceKind(type: number): 'string' | 'number' | null {
  if (type === optionTypes.string) return 'string';
  return type === optionTypes.integer || type === optionTypes.number ? 'number' : null;
}

/** Whether a value fits the type of an option with choices. */
export function isChoiceValue(type: number, value: unknown): value is string | number {
  if (typeof value !== choiceKind(type)) return false;
  return type !== optionTypes.integer || Number.isSafeInteger(value);
}
