/**
 * The page of the world lists what the code has. After a change: `npx vitest run packages/gateway-emulator/test/docs
 * -u`.
 */
import { virtualClock } from '@dshard/testkit';
import { format } from 'prettier';
import { expect, test } from 'vitest';
import { seededRandom } from '@dshard/transport';
import { defaultToken } from '../../src/core/token.js';
import { createGatewayState } from '../../src/core/state.js';
import { defaultRules } from '../../src/core/rules.js';
import { libraryLines } from '../../src/library-lines.js';
import { discordRouteTable } from '../../src/server/rest/discord-routes.js';
import { setStage } from '../../src/world/stage.js';
import { trafficKinds } from '../../src/world/traffic-mix.js';
import { World } from '../../src/world/world.js';

const httpUrl = 'http://127.0.0.1:7480';

function routes(): string {
  const world = new World({ seed: 1, guilds: 1 });
  const clock = virtualClock();
  const random = seededRandom(1);
  const stage = setStage({ world, clock, random, emit: () => undefined });
  const state = createGatewayState({ rules: defaultRules, world, random, token: 'x', resumeGatewayUrl: '', now: 0 });
  const table = discordRouteTable({ state, clock, gatewayUrl: () => '', recommendedShards: 1, stage });
  const paths = new Map<string, string[]>();
  for (const { method, path } of table) paths.set(path, [...(paths.get(path) ?? []), method]);
  const rows = [...paths].map(([path, methods]) => `| \`${path}\` | ${methods.join(', ')} |`);
  return ['| path | methods |', '| --- | --- |', ...rows].join('\n');
}

function libraries(): string {
  const parts = libraryLines({ apiUrl: `${httpUrl}/api`, httpUrl, token: defaultToken });
  return parts.map(({ library, lines }) => `### ${library}\n\n\`\`\`js\n${lines.join('\n')}\n\`\`\``).join('\n\n');
}

const page = `# The emulator's world

<!-- Made from packages/gateway-emulator: \`npx vitest run packages/gateway-emulator/test/docs -u\` -->

## Pointing a library at it

These are the lines that \`dso-gateway\` prints, with its own address and token. Each is run as it stands in the tests of packages/conformance.

${libraries()}

Eris and seyfert speak HTTPS whatever they are told; the agent takes them to the emulator unencrypted, without a certificate and without root. With \`--tls\` everything is \`wss\` and \`https\`,
the lines are printed accordingly, and a bot needs \`NODE_EXTRA_CA_CERTS\` in its environment; with \`dso-gateway-netns\` it needs no line at all ([README](../../packages/gateway-emulator/README.md#tls)). seyfert's websocket drops what comes in one
packet with the answer to its upgrade: start the emulator with \`--hello-delay 100\` (\`helloDelayMs\`).

## Traffic

Kinds: ${trafficKinds.map((kind) => `\`${kind}\``).join(', ')}. \`--mix messages=80,reactions=15,members=5\` weighs them; interactions are uses of the commands that the bot has registered, guilds what those do who run one (channels, threads, roles, emojis, … come, change and go). What
cannot happen (a reaction where nobody wrote, an interaction without commands) is a message instead.

A **script** is a file of JSON lines, in any order; empty lines and lines that begin with \`//\` are left out:

\`\`\`json
{ "at": 1500, "event": { "t": "MESSAGE_CREATE", "d": { "id": "1", "channel_id": "2", "guild_id": "3", "content": "hello" } } }
\`\`\`

\`at\` is in milliseconds from the start. \`event.guildId\` or \`d.guild_id\` decides the shard, without one it is shard 0. \`event.intents\` says which bits a session needs one of; without it
that follows from the type. \`dso-gateway --record file\` writes everything that happens in this form, \`--script file\` plays it.

## Interactions

People use what the bot has registered and posted, by calls of \`people\` or by requests; each is an INTERACTION_CREATE that the bot has 3 s to answer:

| request | call | what it is |
| --- | --- | --- |
| \`POST /emulator/command\` | \`useCommand(name, options)\` | a slash command, with subcommands and options of every type |
| \`POST /emulator/context-menu\` | \`useContextMenu(name, target)\` | a command on a user or a message |
| \`POST /emulator/autocomplete\` | \`autocomplete(name, focus, options)\` | somebody types in an option |
| \`POST /emulator/press\` | \`press(customId, messageId)\` | a button |
| \`POST /emulator/choose\` | \`choose(customId, messageId, values)\` | a select menu: of texts, users, roles, mentionables, channels |
| \`POST /emulator/submit\` | \`submit(interactionId, values)\` | the modal that was shown in answer to an interaction |
| \`GET /emulator/interaction\` | \`interaction(id)\` | how it stands, and what the bot said |

\`\`\`sh skip=emulator
curl -X POST localhost:7480/emulator/command -d '{"name":"feedback"}'
curl -X POST localhost:7480/emulator/submit -d '{"interactionId":"…","values":{"text":"All is well"}}'
curl 'localhost:7480/emulator/interaction?id=…'
\`\`\`

What people could not do in Discord's client is refused, with what they could: a choice that is not offered, a value out of bounds, a required option that is missing, an id that is nobody's, a button that is
disabled. What a bot may not say is refused as Discord does: options that cannot be registered, components without \`custom_id\` or with the same one twice, a callback that does not fit the kind of interaction (an
autocomplete is answered with choices and nothing else). \`resolved\` holds what the ids in it stand for. A modal has text inputs, labels, menus, radio groups, checkboxes and file uploads; what is not filled in stays as the bot
filled it in. A menu of a message that was an answer is used by whoever was answered, unless \`userId\` says otherwise.

## REST

With or without \`/api\` and a version before it, \`Authorization: Bot <token>\`, Discord's refusals (401, 403, 404, 405, 400 with \`errors\` by field). Bodies are JSON, or multipart with \`payload_json\` and files.

${routes()}

What the bot posts comes back as MESSAGE_CREATE, is in its channel's history (the newest 10,000 messages, traffic not included), and in \`posted\` and \`GET /emulator/posted\`. An interaction is to be
answered within 3 s, followed up within 15 min.

**Not emulated in REST:** making or changing guilds, channels, threads, roles, emojis, webhooks, invites, bans, members · reading reactions, pins, audit logs · permissions: the bot may do everything ·
rate limits and their headers · files: they are counted, not kept · entitlements and polls. All of it is answered with 404.
`;

test('docs/reference/gateway-emulator-world.md says how each library is pointed at it, and what REST it has', async () => {
  const formatted = await format(page, { parser: 'markdown', singleQuote: true, printWidth: 120 });
  await expect(formatted).toMatchFileSnapshot('../../../../docs/reference/gateway-emulator-world.md');
});
