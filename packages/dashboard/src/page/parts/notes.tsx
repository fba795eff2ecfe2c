/** What has come of something, for a while: shown, and told to screen readers. */
import type { JSX } from 'preact';
import { after } from '../browser-clock.js';
import { notes, type Note } from '../store.js';

const SHOWN_MS = 8_000;
let count = 0;

export function announce(text: string, tone: Note['tone'] = 'well'): void {
  count += 1;
  const id = count;
  notes.value = [...notes.value.slice(-3), { id, text, tone }];
  after(SHOWN_MS, () => {
    notes.value = notes.value.filter((note) => note.id !== id);
  });
}

export function Notes(): JSX.Element {
  return (
    <div class="notes" role="status" aria-live="polite">
      {notes.value.map(({ id, text, tone }) => (
        <p key={id} class={`note ${tone}`}>
          {text}
        </p>
      ))}
    </div>
  );
}
