/** `dso call`: asks the handlers that the bot registered with `node.fleet.handle`, on every node that has shards. */
import type { CallReport } from '@dshard/orchestrator';
import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection-options.js';
import { runCommand, withCommonHelp } from '../run-command.js';
import { shardRanges } from '../shard-ranges.js';

type CallOptions = ConnectionOptions & { args?: string; each?: string; shards?: string; timeout?: string };

export function addCall(program: Command): void {
  const command = program
    .command('call <name>')
    .description('ask every node that has shards; exits with 1 when a shard did not answer')
    .option('--args <json>', 'what the handler is given, as JSON')
    .option('--each <node|shard>', 'one answer per node (the default) or per shard')
    .option('--shards <list>', 'only these, such as 0-3,7')
    .option('--timeout <time>', 'such as 30s; 10s by default');
  withCommonHelp(command, [
    'dso call guilds',
    `dso call guild --shards 3 --args '{"id":"41771983423143937"}'`,
    "dso call stats --each shard --json | jq '.answers[].value'",
  ]).action((name: string, options: CallOptions) =>
    runCommand(options, async (client) => {
      const { args, each, shards, timeout } = options;
      const given = Object.entries({ args, each, shards, timeout }).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, value] as const],
      );
      const report = await client.call({ name, ...Object.fromEntries(given) });
      if (report.Error) process.exitCode = 1;
      return { document: report, text: describeReport(report) };
    }),
  );
}

/** A line per answer; what comes from nodes must not move the cursor. */
export function describeReport({ Message, answers, failures }: CallReport): string {
  const line = (node: string | null, shards: readonly number[], what: string): string =>
    `${node ?? '(nobody)'}  shard ${shardRanges(shards)}: ${what}`.replaceAll(/\p{Cc}/gu, '?');
  return [
    ...answers.map(({ node, shards, value }) => line(node, shards, JSON.stringify(value))),
    ...failures.map(({ node, shards, reason }) => line(node, shards, `no answer: ${reason}`)),
    Message,
  ].join('\n');
}
