/**
 * One bot under `dso up`, in two processes, against an emulator of its own; and what an operator and the bot's users do
 * to it. Phases come in order and at most once: start, rollout, kill, stop.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet, freePort, runDso, waitFor } from '@dshard/demo';
import { startGatewayEmulator, type EmulatorOptions, type GatewayEmulator } from '@dshard/gateway-emulator';
import { messageOf } from '@dshard/protocol';
import { delay, type Clock } from '@dshard/transport';
import type { Framework } from './frameworks.js';
import { Questions } from './questions.js';
import { Watch } from './watch.js';

export const SHARDS = 4;
const NODES = 2;
const GUILDS = 12;
export const MEMBERS = 20;
const IDENTIFY_WINDOW_MS = 250;
/** Libraries read the bot's id in the first part. */
const TOKEN = `${Buffer.from('123456789012345678').toString('base64')}.matrix.token`;
const START_TIMEOUT_MS = 90_000;
const ROLLOUT_TIMEOUT_MS = 150_000;
const KILL_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** A bot that dies of itself does so again. */
const HOPELESS_CRASHES = 4;
const LOG_LINES = 400;
const SHOWN_LOG_LINES = 6;
const processWatch = new URL('process-watch.js', import.meta.url).href;

/** A check that did not hold. */
export class CheckFailed extends Error {
  override readonly name: string = 'CheckFailed';
}

export function check(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new CheckFailed(otherwise());
}

export type NodeProcess = { id: string; pid: number; shards: readonly number[] };

export type RigOptions = {
  framework: Framework;
  program: string;
  /** Where the bot is installed: some frameworks look for their files in the working directory. */
  folder: string;
  /** What the bot does besides answering, see `BotAction`. */
  does: readonly string[];
  /** Whether it answers `/ping`. */
  answers: boolean;
  /** What Discord is like. */
  discord?: EmulatorOptions;
};

export class Rig {
  readonly framework: Framework;
  readonly clock: Clock;
  readonly emulator: GatewayEmulator;
  readonly fleet: Fleet;
  readonly watch: Watch;
  readonly questions: Questions;
  /** Processes that were killed by us, and when by the machine's monotonic clock. */
  readonly killed: Map<number, number> = new Map();
  readonly #answers: boolean;
  readonly #folder: string;
  readonly #log: string[];
  readonly #atEnd: (() => void)[] = [];
  #ended = false;

  private constructor(
    parts: Pick<Rig, 'framework' | 'clock' | 'emulator' | 'fleet' | 'watch'> & {
      answers: boolean;
      folder: string;
      log: string[];
    },
  ) {
    this.framework = parts.framework;
    this.clock = parts.clock;
    this.emulator = parts.emulator;
    this.fleet = parts.fleet;
    this.watch = parts.watch;
    this.questions = new Questions(parts.emulator, parts.clock);
    this.#answers = parts.answers;
    this.#folder = parts.folder;
    this.#log = parts.log;
  }

  /** Resolves when the orchestrator answers. */
  static async launch(
    clock: Clock,
    { framework, program, folder: cwd, does, answers, discord = {} }: RigOptions,
  ): Promise<Rig> {
    const folder = await mkdtemp(join(tmpdir(), 'dso-bots-'));
    const watch = new Watch(join(folder, 'watch.jsonl'));
    const emulator = await startGatewayEmulator(
      {
        shards: SHARDS,
        guilds: GUILDS,
        members: MEMBERS,
        maxConcurrency: SHARDS,
        identifyWindowMs: IDENTIFY_WINDOW_MS,
        // All members are asked for anew by each process that begins.
        membersPeriodMs: 0,
        token: TOKEN,
        ...discord,
      },
      { clock },
    );
    const log: string[] = [];
    try {
      const fleet = await Fleet.start(
        clock,
        {
          bot: 'ws',
          shards: SHARDS,
          nodes: NODES,
          api: emulator.apiUrl,
          discordToken: TOKEN,
          identifyWindow: discord.identifyWindowMs ?? IDENTIFY_WINDOW_MS,
          stateMb: 0,
          ports: { node: await freePort(0), http: await freePort(0) },
          settings: {
            // Moves are asked for here, one by one.
            rebalance: 'off',
            // The default; the demo's is shorter.
            heartbeat: '5s',
            launcher: {
              command: [process.execPath, program],
              cwd,
              dataDir: 'data',
              env: {
                DISCORD_API: emulator.apiUrl,
                DISCORD_TOKEN: TOKEN,
                BOT_DOES: does.join(' '),
                BOT_WATCH_FILE: watch.file,
                // Processes that the bot starts are watched as well.
                NODE_OPTIONS: `--import ${processWatch}`,
              },
            },
          },
        },
        {
          onLog: (line) => {
            log.push(line);
            if (log.length > LOG_LINES) log.shift();
          },
          onHandled: () => undefined,
        },
      );
      return new Rig({ framework, clock, emulator, fleet, watch, answers, folder, log });
    } catch (error) {
      await emulator.close();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Resolves when every shard serves: a command used in one of its guilds is answered. */
  async start(): Promise<void> {
    await this.until('every shard to run, on two nodes', START_TIMEOUT_MS, async () => {
      const nodes = await this.nodes();
      return nodes.length === NODES && nodes.flatMap(({ shards }) => shards).length === SHARDS && this.allAttached();
    });
    if (this.#answers) await this.allAnswer(START_TIMEOUT_MS);
  }

  /** `dso rollout`, as an operator types it. Resolves when it has ended well and every process was replaced. */
  async rollout(): Promise<void> {
    const before = await this.nodes();
    const done = runDso(this.fleet.httpUrl, ['fullmigration']).then(
      () => null,
      (error: unknown) => error,
    );
    const waited = new AbortController();
    const late = delay(this.clock, ROLLOUT_TIMEOUT_MS, waited.signal).then(
      () => new CheckFailed(`dso rollout has not ended after ${ROLLOUT_TIMEOUT_MS / 1000} s`),
      () => null,
    );
    const failure = await Promise.race([done, late]);
    waited.abort();
    check(failure === null, () => this.explained(messageOf(failure)));
    const after = await this.nodes();
    const old = after.filter(({ pid }) => before.some((node) => node.pid === pid));
    check(old.length === 0, () => `after the rollout shards still run in ${old.map(({ id }) => id).join(', ')}`);
    await this.until('every shard to run after the rollout', KILL_TIMEOUT_MS, () => this.allServe());
  }

  /** kill -9 of a process that has shards. Resolves with it, when every shard serves again. */
  async kill(): Promise<NodeProcess> {
    // The one that leads.
    const victim = (await this.nodes()).find(({ shards }) => shards.includes(0));
    check(victim !== undefined, () => 'there is no process to kill');
    process.kill(victim.pid, 'SIGKILL');
    this.killed.set(victim.pid, this.clock.monotonicMs());
    await this.until('the killed process to be missed', KILL_TIMEOUT_MS, async () =>
      (await this.nodes()).every(({ pid }) => pid !== victim.pid),
    );
    await this.until('every shard to run after the kill', KILL_TIMEOUT_MS, () => this.allServe());
    if (this.#answers) await this.allAnswer(KILL_TIMEOUT_MS);
    return victim;
  }

  /** What has to be stopped when the rig breaks off. */
  atEnd(stop: () => void): void {
    this.#atEnd.push(stop);
  }

  /** SIGTERM to `dso up`: the fleet ends for good. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.fleet.end();
  }

  /** Ends what still runs. Safe to call again. */
  async close(): Promise<void> {
    for (const stop of this.#atEnd) stop();
    await this.stop();
    for (const pid of this.watch.pids()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended as it should.
      }
    }
    await this.emulator.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Connected nodes that have shards. */
  async nodes(): Promise<NodeProcess[]> {
    const { nodes } = await this.fleet.client.status();
    return nodes.flatMap(({ id, pid, connection, shards }) =>
      connection === 'connected' && pid !== null && shards.some(({ state }) => state === 'running')
        ? [{ id, pid, shards: shards.flatMap(({ id: shard, state }) => (state === 'running' ? [shard] : [])) }]
        : [],
    );
  }

  /** All guilds. */
  guilds(): string[] {
    const { world } = this.emulator;
    return Array.from({ length: world.guildCount }, (_, index) => world.guildAt(index).id);
  }

  /** A guild of each shard. */
  guildPerShard(): string[] {
    return Array.from({ length: SHARDS }, (_, shard) => {
      const [guildId] = this.emulator.world.guildIdsOf(shard, SHARDS);
      if (guildId === undefined) throw new Error(`The world has no guild of shard ${shard}.`);
      return guildId;
    });
  }

  /** What the bot calls a guild: by its name, if the framework has caches, so that an empty one shows. */
  nameOf(guildId: string): string {
    return this.framework.caches ? (this.emulator.world.guild(guildId)?.name ?? '') : guildId;
  }

  /** IDENTIFYs so far. */
  identifies(): number {
    return this.emulator.ledger.verdict().identifies.used;
  }

  allAttached(): boolean {
    return this.emulator.admin.status().sessions.filter(({ attached }) => attached).length === SHARDS;
  }

  async until(what: string, timeoutMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
    const before = this.watch.of('died').length;
    try {
      await waitFor(this.clock, what, timeoutMs, () => {
        const crashes = this.watch.of('died').length - before;
        if (crashes >= HOPELESS_CRASHES) throw new Error(`${crashes} processes died while the rig waited for ${what}.`);
        return condition();
      });
    } catch (error) {
      throw new CheckFailed(this.explained(messageOf(error)));
    }
  }

  /** With what the processes died of, and the orchestrator's last words. */
  explained(problem: string): string {
    const crashes = this.watch.of('died').map(({ pid, text }) => `process ${pid} died: ${firstLines(text, 2)}`);
    const log = this.#log.slice(-SHOWN_LOG_LINES).map((line) => `log: ${line}`);
    return [problem, ...crashes.slice(0, 3), ...log].join('\n');
  }

  async allServe(): Promise<boolean> {
    const shards = (await this.nodes()).flatMap((node) => node.shards);
    return new Set(shards).size === SHARDS && this.allAttached();
  }

  /** A command is used in a guild of each shard until it is answered. */
  async allAnswer(timeoutMs: number): Promise<void> {
    const waiting = new Set(this.guildPerShard());
    await this.until('/ping to be answered by every shard', timeoutMs, async () => {
      const asked = [...waiting].flatMap((guildId) => {
        try {
          return [this.questions.command('ping', guildId)];
        } catch {
          // It is not registered yet.
          return [];
        }
      });
      await this.questions.allAnswered(asked, ANSWER_TIMEOUT_MS);
      for (const question of asked) if (this.questions.answersTo(question).length > 0) waiting.delete(question.guildId);
      return waiting.size === 0;
    });
  }
}

export function firstLines(text: string, lines: number): string {
  return text.split('\n').slice(0, lines).join(' ').trim();
}
