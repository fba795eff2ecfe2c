/** Who a migration is between, and whose its shard is meanwhile. */
import type { BaseMigration, LiveMigration, MigrationState } from './state.js';

const LIVE: Readonly<Record<MigrationState['step']['kind'], boolean>> = {
  closing: false,
  preparing: false,
  transferring: false,
  resuming: false,
  announcing: true,
  openingOrigin: true,
  openingDestination: true,
  copying: true,
  warming: true,
  freezing: true,
  verifying: true,
  releasing: true,
  activating: true,
};

export function isLive(migration: MigrationState): migration is LiveMigration {
  return LIVE[migration.step.kind];
}

export function isBase(migration: MigrationState): migration is BaseMigration {
  return !isLive(migration);
}

/**
 * A shard changes hands at its point of no return: a live one's at COMMIT, one of the base level when allUserDataSent
 * is passed on, for the destination may resume it from then on.
 */
export function ownerOf({ step, origin, destination }: MigrationState): string {
  return step.kind === 'resuming' || step.kind === 'releasing' || step.kind === 'activating' ? destination : origin;
}

/**
 * A shard that is announced to leave, and kept while user code's patience lasts, takes nobody's room yet; one that is
 * copied, and waits for others to be copied, takes no room meanwhile.
 */
export function takesRoom(migration: MigrationState): boolean {
  const { step } = migration;
  return step.kind === 'announcing' ? step.patienceMs === 0 : !isCopied(migration);
}

/** Its shard serves until those are copied that are parked together with it. */
export function isCopied({ step }: MigrationState): boolean {
  return step.kind === 'copying' && step.copiedAt !== undefined;
}
