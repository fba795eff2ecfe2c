/**
 * What a bot out of a README has to show: it starts under `dso up`, tells of what people write in each guild, and after
 * `dso rollout` goes on in other processes without having identified again; Ctrl-C ends all of it with exit code 0.
 */
import { waitFor } from '@dshard/demo';
import type { GatewayEmulator, startGatewayEmulator } from '@dshard/gateway-emulator';
import { messageOf } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import { PackedFleet } from '../packed-fleet.js';

export type StartEmulator = typeof startGatewayEmulator;

export type Course = {
  readonly folder: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What of a guild the bot prints when somebody writes there. */
  readonly prints: 'name' | 'id';
  /** Of the tarball. */
  readonly startEmulator: StartEmulator;
  readonly clock: Clock;
};

const SHARDS = 4;
const GUILDS = 8;
const START_TIMEOUT_MS = 120_000;
const STEP_TIMEOUT_MS = 30_000;
const TOKEN = `${Buffer.from('123456789012345678').toString('base64')}.project.token`;
const LAST_WORDS = 8;

/** Throws an error that says what did not come, with the bot's last words. */
export async function runCourse({ folder, args, env, prints, startEmulator, clock }: Course): Promise<void> {
  const emulator = await startEmulator(
    { shards: SHARDS, guilds: GUILDS, members: 5, maxConcurrency: SHARDS, identifyWindowMs: 250, token: TOKEN },
    { clock },
  );
  try {
    const fleet = await PackedFleet.start({ folder, args, emulator, env });
    let exitCode: number | null;
    try {
      await watch({ emulator, fleet, prints, clock });
    } catch (error) {
      const words = fleet.log.filter((line) => !line.includes('"event":')).slice(-LAST_WORDS);
      throw new Error([messageOf(error), ...words].join('\n'), { cause: error });
    } finally {
      exitCode = await fleet.end();
    }
    if (exitCode !== 0) throw new Error(`dso up ended with ${String(exitCode)}.`);
  } finally {
    await emulator.close();
  }
}

type Watched = { emulator: GatewayEmulator; fleet: PackedFleet; prints: Course['prints']; clock: Clock };

async function watch(watched: Watched): Promise<void> {
  const { emulator, fleet, clock } = watched;
  const attached = (): number => emulator.admin.status().sessions.filter((session) => session.attached).length;
  const identifies = (): number => emulator.ledger.verdict().identifies.used;
  await waitFor(clock, `${SHARDS} shards to be there`, START_TIMEOUT_MS, () => attached() === SHARDS);
  const before = await talk(watched, 'before');
  const used = identifies();
  await fleet.dso('fullmigration');
  const after = await talk(watched, 'after');
  const stayed = after.filter((node) => before.includes(node));
  if (stayed.length > 0) throw new Error(`After the rollout ${stayed.join(', ')} still handle messages.`);
  if (identifies() > used) throw new Error(`${identifies() - used} shards identified again.`);
}

/** A message in each guild. Resolves with the nodes that told of them, when each was told of once. */
async function talk({ emulator, fleet, prints, clock }: Watched, when: string): Promise<readonly string[]> {
  const guilds = Array.from({ length: GUILDS }, (_, index) => emulator.world.guildAt(index));
  const lines = (text: string): readonly string[] => fleet.log.filter((line) => printed(line).startsWith(`${text} `));
  const told = new Map(guilds.map((guild) => [guild[prints], lines(guild[prints]).length]));
  guilds.forEach(({ id }) => emulator.people.say('hello', { guildId: id }));
  const news = (): readonly (readonly string[])[] => [...told].map(([text, known]) => lines(text).slice(known));
  await waitFor(clock, `the bot to tell of what was written ${when} the rollout`, STEP_TIMEOUT_MS, () =>
    news().every((each) => each.length > 0),
  );
  const repeated = [...told.keys()].filter((_, index) => (news()[index]?.length ?? 0) > 1);
  if (repeated.length > 0) throw new Error(`The bot told more than once of a message in ${repeated.join(', ')}.`);
  return news()
    .flat()
    .map((line) => (JSON.parse(line) as { node: string }).node);
}

/** A line of a bot, in the orchestrator's log. */
function printed(line: string): string {
  try {
    const { node, event, msg } = JSON.parse(line) as { node?: string; event?: string; msg: string };
    return node === undefined || event !== undefined ? '' : msg;
  } catch {
    return '';
  }
}

/** Lines of the READMEs, as a reader would copy them. */
const BLOCK = /^```(\w+)\n([^]*?)^```$/gm;

/** The first block in one of these languages that has all of these texts. Throws when the README has none. */
export function blockWith(markdown: string, languages: readonly string[], texts: readonly string[]): string {
  for (const [, language = '', code = ''] of markdown.matchAll(BLOCK)) {
    if (languages.includes(language) && texts.every((text) => code.includes(text))) return code;
  }
  throw new Error(`The README has no block (${languages.join(', ')}) with ${texts.join(' and ')}.`);
}

/** What follows `dso up` in the README's line that has this text, as a shell would split it. */
export function dsoUpWith(markdown: string, text: string): readonly string[] {
  const line = [...markdown.matchAll(/npx dso up ([^`\n]+)/g)]
    .map((match) => String(match[1]))
    .find((each) => each.includes(text));
  if (line === undefined) throw new Error(`The README has no line npx dso up … ${text}.`);
  return [...line.trim().matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
