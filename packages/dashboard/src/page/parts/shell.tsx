/** What is around every page: where one can go, whether what is shown is live, who one is, and help. */
import { useEffect, useRef } from 'preact/hooks';
import { signal, type Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { OVERVIEW, type PageName, type Route } from '../../model/route.js';
import { clockTime, seconds } from '../../model/text.js';
import { monotonicMs } from '../browser-clock.js';
import { reopen } from '../live.js';
import { goTo, route } from '../navigation.js';
import { logOut } from '../session.js';
import { beat, connection, heardAt, now, session, snapshot } from '../store.js';
import { chooseTheme, theme, type Theme } from '../theme.js';
import { Link } from './basics.js';
import { ConfirmDialog } from './confirm.js';
import { Notes } from './notes.js';

type Place = { readonly key: string; readonly to: Route; readonly name: string; readonly pages: readonly PageName[] };

const PLACES: readonly Place[] = [
  { key: 'o', to: OVERVIEW, name: 'Overview', pages: ['overview', 'shard'] },
  { key: 'n', to: { page: 'nodes', query: '' }, name: 'Nodes', pages: ['nodes', 'node'] },
  { key: 'r', to: { page: 'rollout' }, name: 'Rollout', pages: ['rollout'] },
  { key: 'p', to: { page: 'operations' }, name: 'Operations', pages: ['operations', 'operation'] },
  { key: 'e', to: { page: 'events', query: '' }, name: 'Events', pages: ['events'] },
];

const isHelpOpen: Signal<boolean> = signal(false);

export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const here = route.value;
  const alarms = snapshot.value?.alarms.length ?? 0;
  useShortcuts();
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <Link to={OVERVIEW} class="brand">
          <i class="brand-mark" aria-hidden="true" />
          <span>dshardorchestrator</span>
        </Link>
        <nav aria-label="Pages">
          <ul>
            {PLACES.map(({ key, to, name, pages }) => (
              <li key={key}>
                <Link to={to} {...(pages.includes(here.page) && { 'aria-current': 'page' as const })}>
                  {name}
                  {name === 'Overview' && alarms > 0 && (
                    <span class="badge">
                      {alarms}
                      <span class="hidden"> {alarms === 1 ? 'alarm' : 'alarms'}</span>
                    </span>
                  )}
                  {name === 'Rollout' && snapshot.value?.rollout && (
                    <span class="live-dot" title="A rollout is under way" />
                  )}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <div class="top-right">
          <ConnectionWord />
          <Who />
          <ThemeSwitch />
          <button
            type="button"
            class="quiet round"
            aria-label="Keys and help"
            onClick={() => {
              isHelpOpen.value = true;
            }}
          >
            ?
          </button>
        </div>
      </header>
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Footer />
      <ConfirmDialog />
      {isHelpOpen.value && <Help />}
      <Notes />
    </>
  );
}

function ConnectionWord(): JSX.Element {
  const { kind } = connection.value;
  const word = kind === 'live' ? 'live' : kind === 'lost' ? 'lost' : 'connecting';
  return (
    <span
      class={`connection ${kind}`}
      title={kind === 'live' ? 'What is shown is as it is now.' : 'What is shown may be out of date.'}
    >
      <i aria-hidden="true" />
      {word}
    </span>
  );
}

function ConnectionBanner(): JSX.Element {
  const state = connection.value;
  const lost = state.kind === 'lost';
  const ago = Math.max(0, Math.max(beat.value, monotonicMs()) - heardAt.value);
  return (
    <div role="status" aria-live="assertive" class="banner-place">
      {lost && (
        <p class="banner">
          <span>
            <strong>Live connection lost</strong>
            {heardAt.value > 0 ? (
              <>
                {' '}
                — last heard <span aria-hidden="true">{seconds(ago)}</span> <span class="hidden">a while</span> ago.
                What is shown is stale.
              </>
            ) : (
              '.'
            )}{' '}
            {state.why}
          </span>
          <button type="button" onClick={() => reopen()}>
            Try now
          </button>
        </p>
      )}
    </div>
  );
}

function Who(): JSX.Element | null {
  const state = session.value;
  if (state.kind !== 'open') return null;
  const { token, role } = state.who;
  return (
    <span class="who">
      <span class="chip" title={token}>
        {role}
      </span>
      {token !== 'no token' && (
        <button type="button" class="quiet" onClick={() => void logOut()}>
          Log out
        </button>
      )}
    </span>
  );
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ['system', 'Auto'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

function ThemeSwitch(): JSX.Element {
  return (
    <label class="theme">
      <span class="hidden">Theme</span>
      <select value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
        {THEMES.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Footer(): JSX.Element | null {
  if (snapshot.value === null) return null;
  const { version, epoch, leader, store } = snapshot.value.fleet;
  return (
    <footer class="foot">
      <span>
        orchestrator {version} on {leader.host}, process {leader.pid}, epoch {epoch}
      </span>
      <span>
        store {store.name}: {store.state}
      </span>
      <span>as of {clockTime(now.value)}</span>
      <a href="/v1/docs">the interface for programs</a>
    </footer>
  );
}

function Help(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = (): void => {
    isHelpOpen.value = false;
  };
  useEffect(() => {
    const { current } = dialog;
    const before = document.activeElement as HTMLElement | null;
    current?.showModal();
    return () => {
      current?.close();
      before?.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="help-title" onCancel={close} onClose={close}>
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {PLACES.map(({ key, name }) => (
          <div key={key}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>to the query of this page</dd>
        </div>
        <div>
          <dt>
            <kbd>m</kbd>
          </dt>
          <dd>to the shard map; then arrow keys, and Enter opens a shard</dd>
        </div>
        <div>
          <dt>
            <kbd>t</kbd>
          </dt>
          <dd>dark or light</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>this</dd>
        </div>
      </dl>
      <p class="muted">
        Queries are those of <code>dso shards --query</code>: <code>state:migrating node:web-* gap&gt;500ms</code>,{' '}
        <code>-state:up</code>, <code>id:0-15</code>.
      </p>
      <div class="buttons">
        <button type="button" class="primary" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}

/** `g` waits so long for the second key. */
const PAIR_MS = 1_500;

function useShortcuts(): void {
  useEffect(() => {
    let goAt = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent): void => {
      const { key } = event;
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isTyping(event.target) ||
        document.querySelector('dialog[open]')
      )
        return;
      if (monotonicMs() - goAt < PAIR_MS) {
        goAt = Number.NEGATIVE_INFINITY;
        const place = PLACES.find((each) => each.key === key);
        if (place !== undefined) goTo(place.to);
      } else if (key === 'g') {
        goAt = monotonicMs();
      } else if (key === '/') {
        event.preventDefault();
        document.querySelector<HTMLInputElement>('[data-query]')?.focus();
      } else if (key === 'm') {
        document.querySelector<HTMLElement>('.map')?.focus();
      } else if (key === 't') {
        const isDark = getComputedStyle(document.documentElement).colorScheme === 'dark';
        chooseTheme(isDark ? 'light' : 'dark');
      } else if (key === '?') {
        isHelpOpen.value = true;
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable)
  );
}
