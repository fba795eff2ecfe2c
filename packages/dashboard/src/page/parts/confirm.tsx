/**
 * Before something is done: what it is, what it would do and cost (the orchestrator's own dry run), and the same as a
 * command. Only then the button that does it.
 */
import { signal, type Signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { DryRun, StartedOperation } from '@dshard/api';
import { commandOf, mayDo, type Action } from '../../model/actions.js';
import { counted, ranges } from '../../model/text.js';
import { ask, type Asked } from '../browser-api.js';
import { goTo } from '../navigation.js';
import { role } from '../store.js';
import { CopyCommand } from './basics.js';
import { announce } from './notes.js';

const asked: Signal<Action | null> = signal(null);

/** Shows nothing to who may not do it. */
export function ActionButton({ action, primary = false }: { action: Action; primary?: boolean }): JSX.Element | null {
  if (!mayDo(role.value, action)) return null;
  return (
    <button
      type="button"
      class={action.isGrave ? 'grave' : primary ? 'primary' : ''}
      onClick={() => {
        asked.value = action;
      }}
    >
      {action.label}
    </button>
  );
}

type Plan =
  | { readonly kind: 'asking' }
  | { readonly kind: 'told'; readonly dryRun: DryRun | null; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string };

export function ConfirmDialog(): JSX.Element | null {
  const action = asked.value;
  return action === null ? null : <Confirm key={action.key} action={action} />;
}

function Confirm({ action }: { action: Action }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [plan, setPlan] = useState<Plan>(
    action.hasDryRun ? { kind: 'asking' } : { kind: 'told', dryRun: null, text: '' },
  );
  const [isBusy, setBusy] = useState(false);
  const close = (): void => {
    asked.value = null;
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
  useEffect(() => {
    if (!action.hasDryRun) return undefined;
    const stop = new AbortController();
    void ask('startOperation', { ...action.parameters, dryRun: 'true' }, { signal: stop.signal }).then((answer) => {
      if (!stop.signal.aborted) setPlan(planOf(answer));
    });
    return () => stop.abort();
  }, []);
  const act = async (): Promise<void> => {
    setBusy(true);
    close();
    const answer = await ask(action.endpoint, action.parameters);
    announce(answer.ok ? messageOf(answer.body) : answer.message, answer.ok ? 'well' : 'trouble');
    const operation = answer.ok ? (answer.body as Partial<StartedOperation>).operation : null;
    if (typeof operation === 'string')
      goTo(action.parameters['kind'] === 'rollout' ? { page: 'rollout' } : { page: 'operation', id: operation });
  };
  const command = commandOf(action);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="confirm-question" onCancel={close} onClose={close}>
      <h2 id="confirm-question">{action.question}</h2>
      <div class="plan" aria-live="polite" aria-busy={plan.kind === 'asking'}>
        <PlanText plan={plan} costs={action.costs} />
      </div>
      {command !== null && <CopyCommand command={command} />}
      <div class="buttons">
        <button type="button" onClick={close}>
          Do nothing
        </button>
        <button
          type="button"
          class={action.isGrave ? 'grave' : 'primary'}
          disabled={isBusy || plan.kind !== 'told'}
          onClick={() => void act()}
        >
          {action.label}
        </button>
      </div>
    </dialog>
  );
}

function PlanText({ plan, costs }: { plan: Plan; costs: string | null }): JSX.Element {
  if (plan.kind === 'asking') return <p class="muted">Asking the orchestrator what it would do …</p>;
  if (plan.kind === 'refused') return <p class="problem">{plan.text}</p>;
  const { dryRun } = plan;
  if (dryRun === null) return <p>{costs ?? (plan.text === '' ? 'It costs nothing.' : plan.text)}</p>;
  return (
    <>
      <ul>
        {dryRun.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {dryRun.shards.length > 0 && (
        <p class="muted">
          {counted(dryRun.shards.length, 'shard')}: {ranges(dryRun.shards)}
        </p>
      )}
      <p>
        <strong>Cost:</strong> {dryRun.costs ?? 'no IDENTIFY and no state; each shard stands still for a moment.'}
      </p>
    </>
  );
}

function planOf(answer: Asked<StartedOperation>): Plan {
  if (!answer.ok) return { kind: 'refused', text: answer.message };
  return { kind: 'told', dryRun: answer.body.dryRun ?? null, text: answer.body.Message };
}

function messageOf(body: unknown): string {
  const { Message }: { Message?: unknown } = Object(body);
  return typeof Message === 'string' ? Message : 'Done.';
}
