/** Puts the page together and starts it. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import type { JSX } from 'preact';
import type { LiveSnapshot } from '@dshard/api/live';
import { OVERVIEW, type Route } from '../model/route.js';
import { startLive } from './live.js';
import { route, showTitle, startNavigation } from './navigation.js';
import { findSession } from './session.js';
import { session, snapshot } from './store.js';
import { startTheme } from './theme.js';
import { Empty, Link } from './parts/basics.js';
import { Shell } from './parts/shell.js';
import { Events } from './pages/events.js';
import { Login } from './pages/login.js';
import { Node } from './pages/node.js';
import { Nodes } from './pages/nodes.js';
import { Operation, Operations } from './pages/operations.js';
import { Overview } from './pages/overview.js';
import { Rollout } from './pages/rollout.js';
import { Shard } from './pages/shard.js';

function App(): JSX.Element {
  if (session.value.kind === 'needed') return <Login />;
  const told = snapshot.value;
  return (
    <Shell>
      {told === null ? (
        <p class="empty waiting">Waiting for the orchestrator …</p>
      ) : (
        <Page snapshot={told} here={route.value} />
      )}
    </Shell>
  );
}

function Page({ snapshot: told, here }: { snapshot: LiveSnapshot; here: Route }): JSX.Element {
  switch (here.page) {
    case 'overview':
      return <Overview snapshot={told} route={here} />;
    case 'nodes':
      return <Nodes snapshot={told} route={here} />;
    case 'node':
      return <Node key={here.id} snapshot={told} id={here.id} />;
    case 'shard':
      return <Shard key={here.id} snapshot={told} id={here.id} />;
    case 'rollout':
      return <Rollout snapshot={told} />;
    case 'operations':
      return <Operations snapshot={told} />;
    case 'operation':
      return <Operation key={here.id} snapshot={told} id={here.id} />;
    case 'events':
      return <Events route={here} />;
    case 'unknown':
      return (
        <>
          <h1>No such page</h1>
          <Empty>
            There is nothing at <code>{here.path}</code>. <Link to={OVERVIEW}>To the overview</Link>
          </Empty>
        </>
      );
  }
}

startTheme();
startNavigation();
void findSession();
startLive();
effect(() => showTitle(route.value, snapshot.value?.alarms.length ?? 0));
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
