/** Small parts that all pages share. */
import { useRef, useState } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import type { Look } from '../../model/tones.js';
import { after } from '../browser-clock.js';
import { addressOf, type Route } from '../../model/route.js';
import { announce } from './notes.js';

export function Link({
  to,
  children,
  ...more
}: {
  to: Route;
  children: ComponentChildren;
  class?: string;
  'aria-current'?: 'page';
}): JSX.Element {
  return (
    <a href={addressOf(to)} {...more}>
      {children}
    </a>
  );
}

export function ShardLink({ id }: { id: number }): JSX.Element {
  return <Link to={{ page: 'shard', id }}>{id}</Link>;
}

export function NodeLink({ id }: { id: string }): JSX.Element {
  return (
    <Link to={{ page: 'node', id }} class="mono">
      {id}
    </Link>
  );
}

/** A mark and a word: never a colour alone. */
export function Mark({ look, children }: { look: Look; children?: ComponentChildren }): JSX.Element {
  return (
    <span class="mark">
      <i class={`swatch ${look.tone} ${look.mark}`} aria-hidden="true" />
      {children ?? look.word}
    </span>
  );
}

export function Panel({
  title,
  aside,
  children,
  class: name = '',
  level = 2,
}: {
  title: ComponentChildren;
  aside?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
  level?: 2 | 3;
}): JSX.Element {
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <section class={`panel ${name}`}>
      <header class="panel-head">
        <Heading>{title}</Heading>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

export function Figure({
  name,
  value,
  about,
  tone,
}: {
  name: string;
  value: ComponentChildren;
  about?: ComponentChildren;
  tone?: string;
}): JSX.Element {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        {about !== undefined && <span class="muted">{about}</span>}
      </dd>
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** Copies what is typed in a terminal to do or ask the same. */
export function CopyCommand({ command }: { command: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const cancel = useRef<() => void>(() => undefined);
  const copy = async (): Promise<void> => {
    const isCopied = await navigator.clipboard.writeText(command).then(
      () => true,
      () => false,
    );
    announce(
      isCopied ? 'Copied.' : 'The browser does not let this page copy: mark the command and copy it.',
      isCopied ? 'well' : 'trouble',
    );
    setCopied(isCopied);
    cancel.current();
    cancel.current = after(2_000, () => setCopied(false));
  };
  return (
    <span class="command">
      <code>{command}</code>
      <button type="button" class="quiet" onClick={() => void copy()} aria-label={`Copy the command: ${command}`}>
        {copied ? 'copied' : 'copy'}
      </button>
    </span>
  );
}
