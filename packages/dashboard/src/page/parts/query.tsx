/** The field for a query. What it finds is shown while it is typed; what cannot be read is told, and hides nothing. */
import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import { CopyCommand } from './basics.js';

export function QueryField({
  value,
  onChange,
  problem,
  label,
  example,
  found,
  command,
}: {
  value: string;
  onChange(this: void, query: string): void;
  problem: string | null;
  label: string;
  example: string;
  /** `12 of 64 shards`. */
  found: string;
  command: string | null;
}): JSX.Element {
  const id = useId();
  return (
    <div class="query">
      <label for={id} class="hidden">
        {label}
      </label>
      <input
        id={id}
        type="search"
        data-query
        placeholder={example}
        value={value}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-describedby={`${id}-about`}
        aria-invalid={problem !== null}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <p id={`${id}-about`} class={problem === null ? 'muted' : 'problem'} role="status">
        {problem ?? found}
      </p>
      {command !== null && problem === null && <CopyCommand command={command} />}
    </div>
  );
}
