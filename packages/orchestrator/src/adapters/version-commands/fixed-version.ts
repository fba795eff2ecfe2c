/** For fleets whose version never changes while the orchestrator runs. */
import type { VersionSource } from '../../ports/version-source.js';

/** Pulling a new version finds the same one. */
export function fixedVersion(version: string): VersionSource {
  return { deployed: async () => version, pullNew: async () => version };
}
