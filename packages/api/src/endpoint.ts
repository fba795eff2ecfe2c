/** The shape of one line of the contract: what is asked, how it is asked over REST, and how on a command line. */
import type { Field } from './values/field.js';

export type Method = 'GET' | 'POST' | 'DELETE';

/** What a token may do; each may do what the one before may. */
export const ROLES = ['read', 'operate', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Without a fallback the parameter must be there. */
export type Parameter<T> = { readonly field: Field<T>; readonly fallback?: T };

export type Parameters<T> = { readonly [Name in keyof T]: Parameter<T[Name]> };

export type Endpoint<Takes extends object> = {
  readonly method: Method;
  /** `:name` stands for a parameter. */
  readonly path: string;
  /** Who may ask. `none`: everybody, without a token: probes, and who logs in. */
  readonly role: Role | 'none';
  /** Another path that means the same. */
  readonly alsoAt?: string;
  /** What `If-Match` is about: the thing that this parameter names, or, without one, the rollout under way. */
  readonly edits?: { readonly thing: 'node' | 'operation' | 'rollout'; readonly parameter?: string };
  /** It starts something, once for each `Idempotency-Key`. */
  readonly once?: true;
  /** With `Accept: text/event-stream` it goes on; a client that comes back says `Last-Event-ID`. */
  readonly streams?: true;
  /** Whether the ancestor has it. */
  readonly ancestor?: true;
  /** For the reference page. */
  readonly about: string;
  readonly parameters: Parameters<Takes>;
  /** null: it is asked over REST only. */
  readonly command: CommandWords<keyof Takes & string> | null;
};

/** Of any entry: what does not depend on its parameters. */
export type AnyEndpoint = Omit<Endpoint<object>, 'command'>;

/** How people ask for it. */
export type CommandWords<Parameter extends string> = {
  readonly name: string;
  readonly alias?: string;
  /** The command that it is a part of: `dso operations show`. */
  readonly under?: string;
  /** The same, where it also stands for itself. */
  readonly alsoUnder?: string;
  /** What it does, as the list of commands says it. */
  readonly help: string;
  /** Below the options. */
  readonly details?: string;
  readonly examples: readonly string[];
  /**
   * In their order: how help shows each, and the parameter that it becomes. `node...`: one or more, as a list.
   * `optional`: it may be left out.
   */
  readonly arguments?: readonly {
    readonly shown: string;
    readonly parameter: Parameter;
    readonly optional?: true;
  }[];
  /** The long flag has the name of the parameter; `--no-name` says `false`, and `true` without it. */
  readonly options?: readonly { readonly flags: string; readonly help: string }[];
  /** People are asked before it is done; scripts say `--yes`. Absent: it costs nothing. */
  readonly costs?: Costs<Parameter>;
  readonly interrupt: Interrupt;
};

/** What a command costs in state or IDENTIFYs. */
export type Costs<Parameter extends string> = {
  /** As sentences. */
  readonly what: string;
  /** Only with this flag, such as `now`. Absent: always. */
  readonly when?: Parameter;
};

/** What is said when Ctrl-C ends the waiting: what was begun goes on. null: nothing is worth saying. */
export type Interrupt = string | null;
