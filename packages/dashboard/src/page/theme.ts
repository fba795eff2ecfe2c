/** Dark or light: as the system says, unless somebody chose. */
import { signal, type Signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'dso-theme';

export const theme: Signal<Theme> = signal(stored());
/** Grows when colours have changed, for what is drawn by hand. */
export const palette: Signal<number> = signal(0);

function stored(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  try {
    if (chosen === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  applyTheme();
}

function applyTheme(): void {
  const root = document.documentElement;
  if (theme.value === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = theme.value;
  palette.value += 1;
}

export function startTheme(): void {
  applyTheme();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    palette.value += 1;
  });
}

/** A colour of the style sheet. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
