/** What bots do in their ready listener, which in a rollout comes before the first shard is theirs. */
import type { Cell } from '../cell.js';
import { MEMBERS, check, type Rig } from '../rig.js';

const SOON_MS = 10_000;

export const presence: Cell = {
  name: 'presence',
  title: 'a presence set in ready is shown, at the start and by each process of a rollout',
  phase: 'rollout',
  does: ['presence'],
  run: (rig) => ({ started: () => presenceShown(rig), afterRollout: () => presenceShown(rig) }),
};

/** Each process sets an activity with its own pid. A shard that comes later keeps what its session shows. */
async function presenceShown(rig: Rig): Promise<void> {
  const shown = (): string[] => rig.emulator.admin.status().sessions.flatMap(({ activities }) => activities);
  for (const { pid, id } of await rig.nodes()) {
    await rig.until(`the presence of ${id}, process ${pid}, to be shown`, SOON_MS, () =>
      shown().includes(`process ${pid}`),
    );
  }
  const without = rig.emulator.admin.status().sessions.filter(({ activities }) => activities.length === 0);
  check(without.length === 0, () => `shard ${without.map(({ shard }) => shard).join(', ')} shows no activity`);
}

export const members: Cell = {
  name: 'members',
  title: 'all members are fetched in ready, at the start and in each process of a rollout',
  phase: 'rollout',
  does: ['members'],
  run: (rig) => ({ started: () => membersFetched(rig), afterRollout: () => membersFetched(rig) }),
};

async function membersFetched(rig: Rig): Promise<void> {
  for (const { pid, id } of await rig.nodes()) {
    const mine = (): string[] => rig.watch.said('members ').flatMap((said) => (said.pid === pid ? [said.rest] : []));
    await rig.until(`${id}, process ${pid}, to have fetched the members of a guild`, SOON_MS, () => mine().length > 0);
    // The bot is a member as well.
    const wrong = mine().filter((line) => line.split(' ')[1] !== String(MEMBERS + 1));
    check(wrong.length === 0, () => `process ${pid} fetched “${wrong[0] ?? ''}” instead of ${MEMBERS + 1} members`);
  }
}
