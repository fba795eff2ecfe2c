/** `npm start` and `npm run demo`: see --help. Exit code 0 only if the verdict holds, 1 if not, 2 for wrong options. */
import { once } from 'node:events';
import { messageOf } from '@dshard/protocol';
import { systemClock, type Cancel, type Clock } from '@dshard/transport';
import { ALARM_SETTINGS, alarmTour } from './alarm-tour.js';
import { BAD_ROLLOUT_SETTINGS, badRolloutTour } from './bad-rollout/tour.js';
import { startDiscord, type Discord } from './discord.js';
import { Fleet } from './fleet.js';
import { freePort } from './addresses.js';
import { fullRestartTour, KEEP_SESSIONS } from './discordjs/full-restart-tour.js';
import { discordjsTour } from './discordjs/tour.js';
import { orchestratorCrash, orchestratorRestart, standbyTour } from './orchestrator-tours.js';
import { outageTour } from './outage-tour.js';
import { parseOptions, type DemoOptions, type Scenario } from './options.js';
import { formatMs, type NodeRow, type Picture } from './picture.js';
import { QUARANTINE_SETTINGS, quarantineTour } from './quarantine-tour.js';
import { REBALANCE_SETTINGS, rebalanceTour } from './rebalance-tour.js';
import { lineScreen, terminalScreen, type Screen } from './screen.js';
import { Steps } from './steps.js';
import { HaWorld, haTour } from './ha-tour.js';
import { leaveText } from './leave-figures.js';
import { LEAVE_SETTINGS, leaveTour } from './discordjs/leave-tour.js';
import { startFigures, startTour } from './start-tour.js';
import { crashTour, grandTour, stateTour, type Tour } from './tour.js';
import { judge, type TourEnd, type Verdict, type VerdictInput } from './verdict.js';
import { waitsOf } from './reports.js';

const TOURS: Readonly<Record<Exclude<Scenario, 'ha'>, Tour>> = {
  tour: grandTour,
  crash: crashTour,
  'orchestrator-restart': orchestratorRestart,
  'orchestrator-crash': orchestratorCrash,
  standby: standbyTour,
  quarantine: quarantineTour,
  alarm: alarmTour,
  outage: outageTour,
  'bad-rollout': badRolloutTour,
  state: stateTour,
  start: startTour,
  rebalance: rebalanceTour,
  leave: leaveTour,
  'full-restart': fullRestartTour,
};
const SETTINGS: Partial<Record<Scenario, Readonly<Record<string, unknown>>>> = {
  quarantine: QUARANTINE_SETTINGS,
  alarm: ALARM_SETTINGS,
  rebalance: REBALANCE_SETTINGS,
  'bad-rollout': BAD_ROLLOUT_SETTINGS,
  leave: LEAVE_SETTINGS,
};
const REFRESH_MS = 200;
const LOG_LINES = 8;

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const screen = options.json
    ? lineScreen(process.stderr)
    : process.stdout.isTTY
      ? terminalScreen(process.stdout)
      : lineScreen(process.stdout);
  await using demo = await Demo.start(options, screen);
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => null);

  const result = await Promise.race([demo.tour(), interrupted]);
  if (result === null) {
    screen.say('Interrupted: shutting down.');
    process.exitCode = 130;
    return;
  }
  await demo.lastPicture();
  for (const reason of result.reasons) screen.say(`✘ ${reason}`);
  if (!options.json) screen.say(verdictText(result.verdict));
  if (!options.tourOnly) {
    screen.say(demo.invitation());
    demo.resumeTraffic();
    await interrupted;
    screen.say('Shutting down the fleet…');
  }
  process.exitCode = result.verdict.ok ? 0 : 1;
  if (options.json) process.stdout.write(`${JSON.stringify(result.verdict)}\n`);
}

class Demo {
  readonly #options: DemoOptions;
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #steps: Steps;
  readonly #discord: Discord;
  readonly #log: string[] = [];
  readonly #atEnd: (() => Promise<void>)[] = [];
  #fleet: Fleet | null = null;
  #haWorld: HaWorld | null = null;
  #nodes: readonly NodeRow[] = [];
  #stopPicture: Cancel = () => undefined;

  private constructor(options: DemoOptions, screen: Screen, clock: Clock, discord: Discord) {
    this.#options = options;
    this.#screen = screen;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#steps = new Steps(clock, screen);
    this.#discord = discord;
  }

  static async start(options: DemoOptions, screen: Screen): Promise<Demo> {
    const clock = systemClock();
    const demo = new Demo(options, screen, clock, await startDiscord(clock, options));
    demo.#stopPicture = clock.every(REFRESH_MS, () => void demo.#refresh());
    return demo;
  }

  async tour(): Promise<{ verdict: Verdict; reasons: readonly string[] }> {
    const { bot, shards, nodes, scenario, stateMb } = this.#options;
    const failures: string[] = [];
    const atEnd = (work: () => Promise<void>): void => void this.#atEnd.push(work);
    let end: TourEnd = { migrationsExpected: 0 };
    try {
      const fleet = await this.#startFleet();
      const context = {
        options: this.#options,
        clock: this.#clock,
        discord: this.#discord,
        fleet,
        steps: this.#steps,
        atEnd,
      };
      end = await this.#tourOf(bot, scenario)(context);
    } catch (error) {
      failures.push(messageOf(error));
    }
    const { verdict, reasons } = judge({
      shards,
      nodes,
      ledger: this.#discord.ledgerFigures(),
      migrations: await this.#migrations(),
      mayFail: ['orchestrator-crash', 'bad-rollout', 'ha'].includes(scenario),
      forgotten: this.#forgotten(),
      ...end,
      ...(scenario === 'state' && { state: { mb: stateMb, reports: this.#fleet?.stateReports() ?? [] } }),
      ...(scenario === 'start' && { start: startFigures(this.#options, this.#discord.identifyTimes()) }),
      durationMs: this.#clock.monotonicMs() - this.#startedMs,
    });
    return { verdict: { ...verdict, ok: verdict.ok && failures.length === 0 }, reasons: [...failures, ...reasons] };
  }

  #tourOf(bot: DemoOptions['bot'], scenario: Scenario): Tour {
    if (this.#haWorld !== null) return haTour(this.#haWorld);
    if (scenario === 'ha') throw new Error('There is no database.');
    return bot === 'discordjs' && scenario === 'tour' ? discordjsTour : TOURS[scenario];
  }

  /** The last picture, with how everything stands now, stays on the screen. */
  async lastPicture(): Promise<void> {
    this.#stopPicture();
    await this.#refresh();
    this.#screen.keep();
  }

  resumeTraffic(): void {
    this.#discord.startTraffic();
  }

  /** What to try while it stays up. */
  invitation(): string {
    const fleet = this.#fleet;
    if (fleet === null) return '';
    const address = fleet.httpUrl === 'http://127.0.0.1:7448' ? '' : `DSO_CLI_ADDR=${fleet.httpUrl} `;
    const node = this.#nodes.find(({ state }) => state === 'connected')?.id ?? '<node>';
    return [
      '',
      `The fleet stays up: REST on ${fleet.httpUrl}, nodes connect to ${fleet.nodeAddress}, "Discord" is ${this.#discord.api}.`,
      'Try, in another terminal in this folder:',
      `  ${address}npx dso status`,
      `  ${address}npx dso migrateshard 0 ${node}`,
      `  ${address}npx dso rollout`,
      'Ctrl-C ends it.',
    ].join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopPicture();
    await this.#fleet?.end();
    for (const work of this.#atEnd) await work();
    await this.#haWorld?.database.close();
    await this.#discord.close();
  }

  async #startFleet(): Promise<Fleet> {
    const { bot, shards, nodes, tourOnly, stateMb, identifyWindow, scenario } = this.#options;
    const discord = this.#discord;
    const { api, token } = discord;
    if (scenario === 'ha')
      await this.#steps.run('starting a PostgreSQL primary and its synchronous standby', async () => {
        this.#haWorld = await HaWorld.start(Math.ceil(shards / nodes));
      });
    await this.#steps.run('starting Discord (the emulator) and the orchestrator (dso up)', async () => {
      const options = {
        bot: scenario === 'bad-rollout' ? ('faulty' as const) : bot,
        shards,
        nodes,
        api,
        discordToken: token,
        stateMb,
        identifyWindow,
        // The others count their own moves.
        settings: { rebalance: 'off', ...SETTINGS[scenario] },
        upArguments: scenario === 'full-restart' ? KEEP_SESSIONS : [],
        // The documented ones if they are free, so that `npx dso status` works as it stands.
        ports: { node: await freePort(tourOnly ? 0 : 7447), http: await freePort(tourOnly ? 0 : 7448) },
        ...this.#haWorld?.fleet,
      };
      this.#fleet = await Fleet.start(this.#clock, options, {
        onLog: (line) => this.#logLine(line),
        onHandled: (node, event) => discord.handled(node, event),
      });
    });
    if (this.#fleet === null) throw new Error('The fleet did not start.');
    return this.#fleet;
  }

  /** Shards that came to a node without their state. */
  #forgotten(): number {
    return this.#fleet?.stateReports().filter(({ forgotten }) => forgotten).length ?? 0;
  }

  async #migrations(): Promise<VerdictInput['migrations']> {
    const events = (await this.#fleet?.client.events(0).catch(() => [])) ?? [];
    const count = (name: string): number => events.filter((event) => event.name === name).length;
    const moves = events.flatMap(({ name, fields: { shard, frozenMs } }) =>
      name === 'migrationCompleted' && typeof frozenMs === 'number' ? [{ shard: Number(shard), frozenMs }] : [],
    );
    const handlerWaitMs = waitsOf(moves, this.#fleet?.waitReports() ?? []);
    const frozenMs = moves.map((move) => move.frozenMs);
    return { completed: count('migrationCompleted'), failed: count('migrationFailed'), frozenMs, handlerWaitMs };
  }

  #logLine(line: string): void {
    this.#log.push(line);
    if (this.#log.length > LOG_LINES) this.#log.shift();
    this.#screen.log(line);
  }

  async #refresh(): Promise<void> {
    const status = await this.#fleet?.client.status().catch(() => undefined);
    if (status !== undefined) this.#nodes = status.nodes.map((node) => nodeRow(node, status.migrations));
    this.#screen.refresh(() => this.#picture());
  }

  #picture(): Picture {
    return {
      elapsedMs: this.#clock.monotonicMs() - this.#startedMs,
      steps: this.#steps.rows,
      nodes: this.#nodes,
      ...this.#discord.figures(),
      shards: this.#options.shards,
      log: this.#log,
    };
  }
}

type Status = Awaited<ReturnType<Fleet['client']['status']>>;

function nodeRow(node: Status['nodes'][number], migrations: Status['migrations']): NodeRow {
  return {
    id: node.id,
    version: node.version,
    state: node.gone ? 'gone' : node.intent === 'serving' ? node.connection : node.intent,
    shards: node.shards.map(({ id }) => id),
    moving: migrations.filter(({ origin }) => origin === node.id).map(({ shard }) => shard),
    handled: node.shards.reduce((sum, { events }) => sum + (events ?? 0), 0),
  };
}

function verdictText(verdict: Verdict): string {
  const { ok, shards, events, identifies, migrations, takeovers, calls, caches, commands, state, start, durationMs } =
    verdict;
  const { gapMs, frozenMs, handlerWaitMs, frozenBesideMs } = migrations;
  return [
    '',
    ok ? '✔ The verdict holds.' : '✘ The verdict does not hold.',
    `  Discord emitted ${events.emitted} events; the bot handled ${events.handled}:` +
      ` ${events.lost} lost, ${events.duplicated} repeated, ${events.outOfOrder} out of order.`,
    `  ${shards} shards cost ${identifies.used} IDENTIFYs (${identifies.needed} needed).`,
    `  ${migrations.completed} migrations, ${migrations.failed} failed; a shard was without a session for` +
      ` ${formatMs(gapMs.p50)} (p50), ${formatMs(gapMs.p99)} (p99), ${formatMs(gapMs.max)} at most;`,
    `  user code had to wait for ${formatMs(frozenMs.p50)} (p50), ${formatMs(frozenMs.p99)} (p99) while one was frozen.`,
    ...(handlerWaitMs === undefined || frozenBesideMs === undefined
      ? []
      : [
          `  Of that, the wait for handlers took ${formatMs(handlerWaitMs.p50)} (p50), ${formatMs(handlerWaitMs.p99)} (p99); the rest` +
            ` ${formatMs(frozenBesideMs.p50)} (p50), ${formatMs(frozenBesideMs.p99)} (p99).`,
        ]),
    ...(takeovers === undefined
      ? []
      : [
          `  ${takeovers.shards} shards of the node that died were taken over, without an owner for` +
            ` ${formatMs(takeovers.withoutOwnerMs.p99)} (p99); ${events.redelivered} of their events came again, marked.`,
        ]),
    ...(caches === undefined || commands === undefined
      ? []
      : [
          `  ${caches.compared} fields of the caches were compared with a client that never restarted: ${caches.different} differ.`,
          `  ${commands.sent} commands, ${commands.answered} answered, ${commands.twice} of them twice.`,
        ]),
    ...(state === undefined
      ? []
      : [`  ${(state.bytesMoved / 2 ** 20).toFixed(0)} MB of state moved, ${state.wrong} chunks of it wrong.`]),
    ...(calls === undefined
      ? []
      : [`  Meanwhile the whole fleet was asked ${calls.made} times, and ${calls.wrong} answers were wrong.`]),
    ...(start === undefined
      ? []
      : [
          `  All shards were up ${formatMs(start.tookMs)} after the first IDENTIFY; Discord's pace allows` +
            ` ${formatMs(start.leastMs)} (${start.ratio} times), ${start.inWrongWindow} came in a wrong window.`,
        ]),
    ...(verdict.leave === undefined ? [] : leaveText(verdict.leave)),
    `  It took ${formatMs(durationMs)}.`,
  ].join('\n');
}

await main();
