/** The domain's settings: as configured, completed by what only the runtime knows. */
import { isLoopback, parseAddress } from '@dshard/transport';
import type { Settings } from '../domain/state/settings.js';
import type { OrchestratorOptions } from './contract.js';

export function settingsOf(options: OrchestratorOptions): Settings {
  const { settings, launcher, token } = options;
  return {
    ...settings,
    canLaunch: settings.canLaunch && launcher !== null,
    tokenRequired: token !== null,
    expectedNodes: expectedNodes(options),
  };
}

/**
 * The launcher's registry says which nodes of an earlier run still live. Beyond loopback it cannot speak for nodes of
 * other hosts, so there the whole grace is waited for, unless the settings name the nodes.
 */
function expectedNodes({ settings, launcher, listen }: OrchestratorOptions): readonly string[] | null {
  const configured = settings.expectedNodes;
  if (launcher === null) return configured;
  if (configured === null && !isLoopback(parseAddress(listen).host)) return null;
  return [...new Set([...(configured ?? []), ...launcher.running().map(({ node }) => node)])];
}
