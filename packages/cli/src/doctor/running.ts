/** What `dso doctor` asks a running orchestrator: its alarms, versions, budget, and what leaving would take. */
import type { StatusV1, Versions } from '@dshard/api';
import { counted, messageOf } from '@dshard/protocol';
import type { Client } from '../client.js';
import { CliError } from '../errors.js';
import { shortSpan, sizeText } from '../output/times.js';
import { fail, ok, skip, warn, type Check } from './check.js';

/** Of a process without caches. */
const BARE_BYTES = 80e6;
/** So much state a node gives away in a second, to be on the safe side (`npm run bench:relay` measures it). */
const BYTES_PER_SECOND = 50e6;
/** Before the deadline the last shards are parked and closed. */
const RESERVED_MS = 3_000;

export type Running = { checks: readonly Check[]; isThere: boolean };

export async function runningChecks(
  client: () => Promise<Client>,
  url: string,
  leaveDeadlineMs: number,
): Promise<Running> {
  try {
    const asked = await client();
    const [status, versions] = await Promise.all([asked.ask('status'), asked.ask('versions')]);
    return {
      isThere: true,
      checks: [
        ok(
          'orchestrator',
          `${url} answers: version ${status.version}, ${counted(status.nodes.length, 'node')}, ${shardsOf(status)}.`,
        ),
        alarms(status),
        nodes(status),
        botVersions(versions),
        identifies(status),
        leaving(status, leaveDeadlineMs),
      ],
    };
  } catch (error) {
    return notRunning(error, url);
  }
}

function notRunning(error: unknown, url: string): Running {
  if (!(error instanceof CliError) || error.code !== 'DSO_CLI_REFUSED') {
    if (error instanceof CliError && /Nobody listens/.test(error.message)) {
      return {
        isThere: false,
        checks: [skip('orchestrator', `No orchestrator runs at ${url}, so what runs was not looked at.`)],
      };
    }
    return { isThere: false, checks: [fail('orchestrator', messageOf(error), 'Is --address right? See the message.')] };
  }
  const remedy =
    error.status === 401 || error.status === 403
      ? 'Show its token: --token, DSO_TOKEN or DSO_TOKEN_FILE.'
      : 'See its log.';
  return { isThere: true, checks: [fail('orchestrator', error.message, remedy)] };
}

function shardsOf({ totalShards, conditionCounts }: StatusV1): string {
  return totalShards === null ? 'no shard count yet' : `${conditionCounts.up} of ${totalShards} shards up`;
}

function alarms({ alarms: all }: StatusV1): Check {
  const [first] = all;
  if (first === undefined) return ok('alarms', 'None stands.');
  const text = `${counted(all.length, 'alarm')}, the gravest: ${first.reason}`;
  return first.level === 'error' ? fail('alarms', text, first.remedy) : warn('alarms', text, first.remedy);
}

function nodes({ nodes: all }: StatusV1): Check {
  const away = all.filter(({ connection, gone }) => connection === 'disconnected' && !gone);
  if (away.length > 0)
    return warn(
      'nodes',
      `${counted(away.length, 'node')} of ${all.length} not connected: ${away
        .map(({ id }) => id)
        .slice(0, 5)
        .join(', ')}.`,
      `dso describe node ${away[0]?.id ?? ''}`,
    );
  return all.length === 0
    ? warn('nodes', 'None is connected.', 'Start one: dso startnode, or the bot itself.')
    : ok('nodes', `All ${all.length} are connected.`);
}

function botVersions({ running, quarantined, crashes }: Versions): Check {
  const loop = crashes.find((each) => each.loop);
  if (loop !== undefined)
    return fail(
      'bot version',
      `${loop.version} dies again and again: ${loop.reason.split('\n')[0] ?? ''}`,
      'Mend the bot, or go back: dso rollout undo. Its log: dso logs <node>.',
    );
  const text = running.map(({ version, nodes: count }) => `${version} (${counted(count, 'node')})`).join(', ');
  if (running.length > 1) return warn('bot version', `Several run: ${text}.`, 'Finish the deploy: dso rollout.');
  const reverted = quarantined[0];
  return reverted === undefined
    ? ok('bot version', text === '' ? 'None runs.' : text)
    : warn(
        'bot version',
        `${text}; ${reverted.version} was reverted: ${reverted.reason}`,
        'Deploy a version that is mended.',
      );
}

function identifies({ identifies: { budget, waiting, shortSince } }: StatusV1): Check {
  const { remaining, total, reserve, resetAt } = budget;
  const text = `${remaining} of ${total} session starts are left by the orchestrator's count, ${reserve} in reserve; ${counted(waiting.length, 'shard')} waiting.`;
  const more = resetAt === null ? '' : ' More come by themselves.';
  return shortSince === null
    ? ok('identify budget', text)
    : fail('identify budget', text, `dso allowidentifies <n> takes from the reserve.${more}`);
}

/** Whether the largest node can give its state away before it is killed. An estimate from its memory. */
function leaving({ nodes: all }: StatusV1, deadlineMs: number): Check {
  const largest = all.reduce<StatusV1['nodes'][number] | null>(
    (most, node) => ((node.process?.memoryBytes ?? 0) > (most?.process?.memoryBytes ?? 0) ? node : most),
    null,
  );
  const bytes = largest?.process?.memoryBytes ?? 0;
  if (largest === null || bytes === 0) return skip('leaving', 'No node tells its memory.');
  const neededMs = (Math.max(0, bytes - BARE_BYTES) / BYTES_PER_SECOND) * 1000;
  const text = `${largest.id} uses ${sizeText(bytes)}: giving its state away takes ${shortSpan(neededMs)} at most, of ${shortSpan(deadlineMs)} (DSO_LEAVE_DEADLINE here).`;
  if (neededMs <= deadlineMs - RESERVED_MS) return ok('leaving', text);
  const seconds = Math.ceil((neededMs + RESERVED_MS) / 1000 / 5) * 5;
  return warn(
    'leaving',
    `${text} What does not fit is lost from memory; no event is.`,
    `Set DSO_LEAVE_DEADLINE=${seconds}s for the bot, and a longer stop time where it runs (TimeoutStopSec, stop_grace_period, terminationGracePeriodSeconds).`,
  );
}
