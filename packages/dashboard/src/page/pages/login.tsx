/** Asks for a token, which becomes a cookie that no script can read. */
import { useState } from 'preact/hooks';
import type { JSX } from 'preact';
import { logIn } from '../session.js';

export function Login(): JSX.Element {
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setBusy(true);
    setProblem(await logIn(form.querySelector('input')?.value.trim() ?? ''));
    setBusy(false);
  };
  return (
    <main id="main" class="login" tabIndex={-1}>
      <form class="panel" onSubmit={(event) => void submit(event)}>
        <h1>
          <i class="brand-mark" aria-hidden="true" /> dshardorchestrator
        </h1>
        <p class="muted">This orchestrator wants a token.</p>
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          aria-describedby="token-about"
        />
        <p id="token-about" class={problem === null ? 'muted' : 'problem'} role="alert">
          {problem ?? (
            <>
              Make one with <code>dso token create NAME read</code>. A token with the role <b>read</b> sees,{' '}
              <b>operate</b> acts.
            </>
          )}
        </p>
        <button type="submit" class="primary" disabled={isBusy}>
          Log in
        </button>
      </form>
    </main>
  );
}
