/**
 * How IDENTIFYs and RESUMEs are answered when an operator wants them answered wrongly, for all shards or for some, for
 * a time or until it is taken back. What was said last of a shard holds.
 *
 * - `never`: no answer at all, on a socket that stays open and acknowledges heartbeats; a session is not touched.
 * - `resumable`: op 9 `true`; a session is kept and goes on waiting for a RESUME.
 * - `refuse`: op 9 `false`; a session that was to be resumed ends, as that answer says.
 * - `serve`: as always.
 */
import type { Ms } from '@dshard/transport';

export type StartKind = 'identify' | 'resume';
export type StartAnswer = 'serve' | 'never' | 'resumable' | 'refuse';

export const startAnswers: readonly StartAnswer[] = ['serve', 'never', 'resumable', 'refuse'];

/** `shards` null: all of them. `until` null: until it is taken back. */
export type AnswerRule = { answer: StartAnswer; shards: ReadonlySet<number> | null; until: Ms | null };

/** The oldest rule first. */
export type AnswerRules = { readonly [kind in StartKind]: AnswerRule[] };

export function createAnswerRules(): AnswerRules {
  return { identify: [], resume: [] };
}

/** Adds a rule. One for all shards leaves nothing of those before it, and `serve` for all shards leaves no rule. */
export function setStartAnswer(rules: AnswerRules, kind: StartKind, rule: AnswerRule, now: Ms): void {
  const kept = rule.shards === null ? [] : rules[kind].filter((known) => holds(known, now));
  if (rule.shards !== null || rule.answer !== 'serve') kept.push(rule);
  rules[kind].splice(0, Infinity, ...kept);
}

/** `shard` null: the shard is not known, because the session is not; only rules for all shards hold then. */
export function startAnswer(rules: AnswerRules, kind: StartKind, shard: number | null, now: Ms): StartAnswer {
  const concerns = ({ shards }: AnswerRule): boolean => shards === null || (shard !== null && shards.has(shard));
  return rules[kind].findLast((rule) => holds(rule, now) && concerns(rule))?.answer ?? 'serve';
}

/** Those that hold now. */
export function standingAnswers(rules: AnswerRules, kind: StartKind, now: Ms): AnswerRule[] {
  return rules[kind].filter((rule) => holds(rule, now));
}

function holds({ until }: AnswerRule, now: Ms): boolean {
  return until === null || now < until;
}
