/** The shape of one line of the contract: what is asked, how it is asked over REST, and how on a command line. */
import type { Field } from '../values/field.js';

export type Method = 'GET' | 'POST';

/** Without a fallback the parameter must be there. */
export type Parameter<T> = { readonly field: Field<T>; readonly fallback?: T };

export type Parameters<T> = { readonly [Name in keyof T]: Parameter<T[Name]> };

export type Endpoint<Takes extends object> = {
  readonly method: Method;
  /** `:name` stands for a parameter. */
  readonly path: string;
  /** Another path that means the same. */
  readonly alsoAt?: string;
  /** Whether the ancestor has it. */
  readonly ancestor?: true;
  /** For the reference page. */
  readonly about: string;
  readonly parameters: Parameters<Takes>;
  /** null: it is asked over REST only. */
  readonly command: CommandWords<keyof Takes & string> | null;
};

/** How people ask for it. */
export type CommandWords<Parameter extends string> = {
  readonly name: string;
  readonly alias?: string;
  /** What it does, as the list of commands says it. */
  readonly help: string;
  /** Below the options. */
  readonly details?: string;
  readonly examples: readonly string[];
  /** In their order: how help shows each, and the parameter that it becomes. */
  readonly arguments?: readonly { readonly shown: string; readonly parameter: Parameter }[];
  /** The long flag has the name of the parameter; `--no-name` says `false`, and `true` without it. */
  readonly options?: readonly { readonly flags: string; readonly help: string }[];
  readonly interrupt: Interrupt<Parameter>;
};

/**
 * What Ctrl-C means while the answer is awaited.
 *
 * - null: nothing is left behind, or nothing worth saying.
 * - a text: what was begun goes on, and this is said of it.
 * - an operation: it goes on, too, and is found by its kind (and the node that a parameter names), so that its id can be said and its progress
 *   be shown.
 */
export type Interrupt<Parameter extends string = string> =
  string | { readonly operation: 'drain' | 'rollout'; readonly origin?: Parameter } | null;
