/**
 * What a version of discord.js has to do to be supported: start under `dso up` on two nodes, answer, and be rolled out
 * while people talk. Every message is handled once and in order, the caches after the rollout are those before it, and
 * nobody has identified again.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@dshard/demo';
import { startGatewayEmulator, type GatewayEmulator } from '@dshard/gateway-emulator';
import { messageOf } from '@dshard/protocol';
import { compareTrees, type CacheTree } from '@dshard/testkit';
import type { Clock } from '@dshard/transport';
import { PackedFleet } from '../packed-fleet.js';

const SHARDS = 4;
const GUILDS = 12;
const START_TIMEOUT_MS = 90_000;
const STEP_TIMEOUT_MS = 30_000;
const TALK_EVERY_MS = 20;
/** Libraries read the bot's id in the first part. */
const TOKEN = `${Buffer.from('123456789012345678').toString('base64')}.rig.token`;

export type Verdict =
  | { readonly kind: 'passed' }
  /** Refused at login, by name: what the version lacks. */
  | { readonly kind: 'refused'; readonly sentence: string }
  | { readonly kind: 'failed'; readonly problem: string };

type Dump = { readonly pid: number; readonly id: string; readonly guild: CacheTree; readonly users: CacheTree };

/** `folder` is a project with discord.js, our packages, and the bot as `bot.mjs`. */
export async function tryVersion(folder: string, cacheTree: string, clock: Clock): Promise<Verdict> {
  const emulator = await startGatewayEmulator(
    { shards: SHARDS, guilds: GUILDS, members: 20, maxConcurrency: SHARDS, identifyWindowMs: 250, token: TOKEN },
    { clock },
  );
  try {
    const fleet = await PackedFleet.start({
      folder,
      args: ['--bot', 'bot.mjs', '--nodes', '2', '--shards', `${SHARDS}`],
      emulator,
      env: { RIG_FOLDER: folder, RIG_CACHE_TREE: cacheTree },
    });
    try {
      return await verdictOf(new Rig(folder, emulator, fleet, clock));
    } finally {
      await fleet.end();
    }
  } finally {
    await emulator.close();
  }
}

async function verdictOf(rig: Rig): Promise<Verdict> {
  try {
    await rig.run();
    return { kind: 'passed' };
  } catch (error) {
    const sentence = rig.refusal();
    if (sentence !== null) return { kind: 'refused', sentence };
    const problem = messageOf(error);
    return { kind: 'failed', problem: [problem, ...rig.lastWords()].join('\n') };
  }
}

class Rig {
  readonly #folder: string;
  readonly #emulator: GatewayEmulator;
  readonly #fleet: PackedFleet;
  readonly #clock: Clock;

  constructor(folder: string, emulator: GatewayEmulator, fleet: PackedFleet, clock: Clock) {
    this.#folder = folder;
    this.#emulator = emulator;
    this.#fleet = fleet;
    this.#clock = clock;
  }

  async run(): Promise<void> {
    const { world, ledger } = this.#emulator;
    const guilds = Array.from({ length: SHARDS }, (_, shard) => String(world.guildIdsOf(shard, SHARDS)[0]));
    await this.#until('every shard to be there', START_TIMEOUT_MS, () => this.#attached() === SHARDS);
    await this.#until('/count to be registered and answered', STEP_TIMEOUT_MS, () => this.#answers(String(guilds[0])));
    const identified = ledger.verdict().identifies.used;

    let said = 0;
    const talk = this.#clock.every(TALK_EVERY_MS, () => {
      this.#emulator.people.say(`#${said}`, { guildId: String(guilds[said % SHARDS]) });
      said += 1;
    });
    try {
      await this.#fleet.dso('fullmigration');
    } finally {
      talk();
    }
    await this.#until('every message to be handled', STEP_TIMEOUT_MS, () => this.#handled().length >= said);
    const wrong = guilds.flatMap((guild, index) => this.#wrongOrder(guild, index, said));
    if (wrong.length > 0) throw new Error(wrong.join('\n'));

    const before = await this.#dumps();
    await this.#fleet.dso('fullmigration');
    compareDumps(before, await this.#dumps());
    await this.#until('/count to be answered after the rollout', STEP_TIMEOUT_MS, () =>
      this.#answers(String(guilds[1])),
    );
    const again = ledger.verdict().identifies.used - identified;
    if (again > 0) throw new Error(`${again} shards identified again.`);
  }

  /** What the bot said when it refused to run with this version. */
  refusal(): string | null {
    const line = this.#fleet.log.find((each) => each.includes('DSO_DISCORDJS_UNSUPPORTED'));
    const whole = this.#fleet.log.find((each) => /discord\.js \S+ has /.test(each)) ?? line;
    return line === undefined ? null : (/discord\.js \S+ has .*?needs\./.exec(String(whole))?.[0] ?? String(whole));
  }

  lastWords(): readonly string[] {
    return this.#fleet.log.filter((line) => /Error|error|warn/.test(line)).slice(-6);
  }

  #attached(): number {
    return this.#emulator.admin.status().sessions.filter(({ attached }) => attached).length;
  }

  /** Fails at once when the bot refuses to run. */
  async #until(what: string, timeoutMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
    await waitFor(this.#clock, what, timeoutMs, () => {
      if (this.refusal() !== null) throw new Error('The bot refuses this version.');
      return condition();
    });
  }

  async #answers(guildId: string): Promise<boolean> {
    let id: string;
    try {
      ({ id } = this.#emulator.people.useCommand('count', {}, { guildId }));
    } catch {
      // It is not registered yet.
      return false;
    }
    await waitFor(this.#clock, '/count to be answered', STEP_TIMEOUT_MS, () =>
      this.#emulator.posted.list({ kind: 'message' }).some(({ interactionId }) => interactionId === id),
    );
    return true;
  }

  #handled(): readonly (readonly string[])[] {
    const file = join(this.#folder, 'handled.txt');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    return lines.map((line) => line.split(' ')).filter(([, content]) => content?.startsWith('#') === true);
  }

  #wrongOrder(guild: string, index: number, said: number): readonly string[] {
    const handled = this.#handled().flatMap(([where, content]) => (where === guild ? [String(content)] : []));
    const expected = Array.from({ length: said }, (_, number) => number)
      .filter((number) => number % SHARDS === index)
      .map((number) => `#${number}`);
    const at = expected.findIndex((content, place) => content !== handled[place]);
    if (at < 0 && handled.length === expected.length) return [];
    return [
      `Guild ${guild} had ${expected.length} messages, the bot handled ${handled.length}; at ${at}: ${String(expected[at])}, ` +
        `the bot: ${handled.slice(Math.max(0, at - 1), at + 3).join(' ')}`,
    ];
  }

  async #dumps(): Promise<readonly Dump[]> {
    const file = join(this.#folder, 'dump.jsonl');
    rmSync(file, { force: true });
    await this.#fleet.dso('call', 'dump');
    const dumps = readFileSync(file, 'utf8').trim().split('\n');
    return dumps.map((line) => JSON.parse(line) as Dump).toSorted((a, b) => a.id.localeCompare(b.id));
  }
}

function compareDumps(before: readonly Dump[], after: readonly Dump[]): void {
  if (before.length !== GUILDS)
    throw new Error(`The bot knew ${before.length} of ${GUILDS} guilds before the rollout.`);
  const stayed = before.filter(({ pid }) => after.some((dump) => dump.pid === pid));
  if (stayed.length > 0) throw new Error(`${stayed.length} guilds are where they were before the rollout.`);
  const trees = (dumps: readonly Dump[]): CacheTree =>
    Object.fromEntries(dumps.map(({ id, guild, users }) => [id, { guild, users }]));
  const { compared, different, examples } = compareTrees(trees(before), trees(after));
  if (compared < GUILDS * 100) throw new Error(`Only ${compared} fields were there to compare.`);
  if (different > 0) {
    throw new Error(
      `${different} of ${compared} fields of the caches differ after the rollout:\n${examples.join('\n')}`,
    );
  }
}
