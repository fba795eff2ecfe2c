/** The address is the state: what is in it is shown, and what is chosen goes into it. */
import { signal, type Signal } from '@preact/signals';
import { addressOf, BASE, parseRoute, titleOf, type Route } from '../model/route.js';

export const route: Signal<Route> = signal(parseRoute(location.pathname, location.search));

/** Goes to a page. `replace`: no step back leads to where we are, as while a query is typed. */
export function goTo(to: Route, how: { replace?: boolean } = {}): void {
  const address = addressOf(to);
  if (address === location.pathname + location.search) return;
  const isOtherPage = to.page !== route.value.page || ('id' in to && 'id' in route.value && to.id !== route.value.id);
  history[how.replace === true ? 'replaceState' : 'pushState'](null, '', address);
  route.value = to;
  if (isOtherPage) arrive();
}

/** The next page begins at its top, and the keyboard and screen readers with it. */
function arrive(): void {
  scrollTo(0, 0);
  document.getElementById('main')?.focus({ preventScroll: true });
}

export function startNavigation(): void {
  addEventListener('popstate', () => {
    route.value = parseRoute(location.pathname, location.search);
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target !== '' || link.origin !== location.origin) return;
    if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return;
    event.preventDefault();
    goTo(parseRoute(link.pathname, link.search));
  });
}

export function showTitle(of: Route, trouble: number): void {
  document.title = `${trouble > 0 ? `(${trouble}) ` : ''}${titleOf(of)} · dshardorchestrator`;
}
