/** The pure machines that the simulator is to exercise, and where their built files are. */
import { readdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PACKAGES = new URL('../../../', import.meta.url);

export type Machine = 'domain' | 'session' | 'gateway-shard';

export const MACHINES: Readonly<Record<Machine, string>> = {
  domain: new URL('orchestrator/dist/domain/', PACKAGES).href,
  session: new URL('node/dist/session/', PACKAGES).href,
  'gateway-shard': new URL('node/dist/gateway-shard/', PACKAGES).href,
};

export const MACHINE_NAMES: readonly Machine[] = ['domain', 'session', 'gateway-shard'];

/** null: the file is none of a machine's. */
export function machineOf(url: string): Machine | null {
  return MACHINE_NAMES.find((name) => url.startsWith(MACHINES[name])) ?? null;
}

/** What carries out the decisions of a gateway shard, or reads options: no part of the machine. */
const EDGES: ReadonlySet<string> = new Set(
  [
    'driver',
    'gateway-info',
    'handler-counts',
    'index',
    'options',
    'outcomes',
    'permit-request',
    'proxy-hint',
    'questions',
    'shard-pool',
    'socket',
  ].map((name) => `${MACHINES['gateway-shard']}${name}.js`),
);

/** All files of the machine, those included that were never loaded. */
export function filesOf(machine: Machine): readonly string[] {
  const root = fileURLToPath(MACHINES[machine]);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => pathToFileURL(`${root}${name}`).href)
    .filter((url) => !EDGES.has(url))
    .toSorted();
}
