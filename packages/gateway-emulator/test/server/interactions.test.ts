/**
 * Interactions with the real discord.js: a bot with commands, buttons, menus of each kind, a modal and an autocomplete,
 * used by people over the admin interface, whose answers are read there.
 */
import { leakGuard, until } from '@dshard/testkit';
import type { Interaction, RESTOptions } from 'discord.js';
import { Client, GatewayIntentBits, MessageFlags, REST } from 'discord.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator;
let client: Client;
const failures: unknown[] = [];

/** Undici's connection pool would outlive the test. */
const makeRequest: RESTOptions['makeRequest'] = async (url, init) => {
  const headers = { ...(init.headers as Record<string, string>), connection: 'close' };
  const { body } = init;
  return fetch(url, {
    method: init.method ?? 'GET',
    headers,
    ...(body === undefined || body === null ? {} : { body: body as string }),
  });
};

const row = (...components: object[]): object => ({ type: 1, components });
const menus = [
  row({
    type: 3,
    custom_id: 'text',
    max_values: 2,
    options: ['a', 'b', 'c'].map((value) => ({ label: value, value })),
  }),
  row({ type: 5, custom_id: 'user' }),
  row({ type: 6, custom_id: 'role' }),
  row({ type: 7, custom_id: 'mentionable', max_values: 2 }),
  row({ type: 8, custom_id: 'channel', channel_types: [2] }),
];
const button = row({ type: 2, custom_id: 'go', style: 1, label: 'Go' });
const commands = [
  { name: 'button', description: 'Shows a button' },
  { name: 'menus', description: 'Shows menus' },
  { name: 'form', description: 'Shows a modal' },
  {
    name: 'find',
    description: 'Completes',
    options: [
      {
        type: 1,
        name: 'it',
        description: 'x',
        options: [{ type: 3, name: 'what', description: 'x', autocomplete: true, required: true }],
      },
    ],
  },
  {
    name: 'options',
    description: 'Takes one of each',
    options: [
      { type: 6, name: 'user', description: 'x', required: true },
      { type: 8, name: 'role', description: 'x' },
      { type: 7, name: 'channel', description: 'x' },
      { type: 9, name: 'mentionable', description: 'x' },
      { type: 11, name: 'file', description: 'x' },
      {
        type: 3,
        name: 'size',
        description: 'x',
        choices: [
          { name: 'Small', value: 's' },
          { name: 'Large', value: 'l' },
        ],
      },
    ],
  },
  { name: 'Who is that', type: 2 },
  { name: 'Quote', type: 3 },
];
const field = (component: object): object => ({ type: 18, label: 'field', component });
const form = {
  custom_id: 'form',
  title: 'A form',
  components: [
    row({ type: 4, custom_id: 'name', style: 1, label: 'Name', max_length: 10 }),
    field({ type: 4, custom_id: 'more', style: 2, required: false, value: 'nothing' }),
    field({
      type: 3,
      custom_id: 'kind',
      options: [
        { label: 'One', value: '1' },
        { label: 'Two', value: '2', default: true },
      ],
    }),
    field({ type: 5, custom_id: 'who', required: false }),
  ],
};

async function answer(interaction: Interaction): Promise<void> {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused();
    await interaction.respond(
      ['apple', 'apricot'].filter((one) => one.startsWith(typed)).map((name) => ({ name, value: name })),
    );
  } else if (interaction.isChatInputCommand() && interaction.commandName === 'menus') {
    await interaction.reply({ content: 'Choose', components: menus as never });
  } else if (interaction.isChatInputCommand() && interaction.commandName === 'button') {
    await interaction.reply({ content: 'Press', components: [button] as never });
  } else if (interaction.isChatInputCommand() && interaction.commandName === 'form') {
    await interaction.showModal(form as never);
  } else if (interaction.isChatInputCommand() && interaction.commandName === 'find') {
    await interaction.reply(`${interaction.options.getSubcommand()} ${interaction.options.getString('what', true)}`);
  } else if (interaction.isChatInputCommand()) {
    const { options } = interaction;
    const found = [
      options.getUser('user')?.username,
      options.getMember('user') !== null,
      options.getRole('role')?.name,
      options.getChannel('channel')?.name,
    ];
    await interaction.reply(
      [
        ...found,
        options.getMentionable('mentionable') !== null,
        options.getAttachment('file')?.name,
        options.getString('size'),
      ].join(' '),
    );
  } else if (interaction.isUserContextMenuCommand()) {
    await interaction.reply({ content: `That is ${interaction.targetUser.username}`, flags: MessageFlags.Ephemeral });
  } else if (interaction.isMessageContextMenuCommand()) {
    await interaction.reply(`"${interaction.targetMessage.content}"`);
  } else if (interaction.isButton()) {
    await interaction.update({ content: 'Gone', components: [] });
  } else if (interaction.isStringSelectMenu()) {
    await interaction.reply(interaction.values.join('+'));
  } else if (interaction.isUserSelectMenu()) {
    await interaction.reply(`${interaction.users.first()?.username} ${interaction.members.size}`);
  } else if (interaction.isRoleSelectMenu()) {
    await interaction.reply(`${interaction.roles.first()?.name}`);
  } else if (interaction.isMentionableSelectMenu()) {
    await interaction.reply(`${interaction.users.size} ${interaction.roles.size}`);
  } else if (interaction.isChannelSelectMenu()) {
    await interaction.reply(`${interaction.channels.first()?.id}`);
  } else if (interaction.isModalSubmit()) {
    const { fields } = interaction;
    const who = fields.getSelectedUsers('who')?.first()?.username ?? 'nobody';
    await interaction.reply(
      [
        fields.getTextInputValue('name'),
        fields.getTextInputValue('more'),
        ...fields.getStringSelectValues('kind'),
        who,
      ].join(' '),
    );
  }
}

beforeEach(async () => {
  failures.length = 0;
  gateway = await startGatewayEmulator({ guilds: 2, members: 6 });
  const rest = new REST({ api: gateway.apiUrl, makeRequest }).setToken(gateway.token);
  await rest.put(`/applications/${gateway.world.applicationId}/commands`, { body: commands });
  client = new Client({ intents: [GatewayIntentBits.Guilds], rest: { api: gateway.apiUrl, makeRequest } });
  client.on(
    'interactionCreate',
    (interaction) => void answer(interaction).catch((error: unknown) => failures.push(error)),
  );
  await client.login(gateway.token);
  await until(() => client.isReady(), { what: 'the bot to be ready', timeoutMs: 20_000 });
});
afterEach(async () => {
  await client.destroy();
  await gateway.close();
  expect(failures).toEqual([]);
});

type Body = Record<string, unknown>;

async function ask(name: string, body?: object): Promise<Body> {
  const [method = 'GET', path = ''] = name.split(' ');
  const init = {
    method,
    headers: { connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const response = await fetch(`${gateway.httpUrl}${path}`, init);
  return (await response.json()) as Body;
}

/** Does it, and waits for the answer: how the interaction stands then. */
async function answered(name: string, body: object): Promise<Body> {
  const { interactionId, message } = await ask(`POST /emulator/${name}`, body);
  if (typeof interactionId !== 'string') throw new Error(JSON.stringify(message));
  let status: Body = {};
  await until(
    async () => {
      status = await ask(`GET /emulator/interaction?id=${interactionId}`);
      return status['state'] !== 'open';
    },
    { what: `the answer to ${name}`, timeoutMs: 10_000 },
  );
  return status;
}

const guild = () => gateway.world.guildAt(0);

describe('a discord.js bot', () => {
  test('answers menus of each kind with what is chosen, and takes nothing that is not offered', async () => {
    const shown = await answered('command', { name: 'menus' });
    const { id: messageId } = shown['message'] as { id: string };
    const [role] = guild().parts.roles;
    const member = guild().generated(2).user;
    const voice = guild().voiceChannelIds()[0] ?? '';
    const cases: [string, string[], string][] = [
      ['text', ['c', 'a'], 'c+a'],
      ['user', [member.id], `${member.username} 1`],
      ['role', [role?.id ?? ''], `${role?.name}`],
      ['mentionable', [role?.id ?? '', member.id], '1 1'],
      ['channel', [voice], voice],
    ];
    for (const [customId, values, content] of cases)
      expect(await answered('choose', { customId, messageId, values })).toMatchObject({
        state: 'answered',
        message: { content },
      });
    for (const [customId, values, problem] of [
      ['user', ['1'], 'lets choose a user of the guild'],
      ['channel', [guild().textChannels[0]?.id], 'lets choose channels of type 2'],
      ['mentionable', [], 'wants 1 to 2 value(s)'],
      ['text', ['d'], '"d" is no choice of "text"; they are a, b, c'],
      ['text', ['a', 'a'], 'is chosen twice'],
      ['other', ['a'], 'has no component "other"; it has text, user, role, mentionable, channel'],
    ] as const)
      expect((await ask('POST /emulator/choose', { customId, messageId, values }))['message']).toContain(problem);
    expect((await ask('POST /emulator/press', { customId: 'text', messageId }))['message']).toContain('is no button');
  });

  test('has its button pressed, and takes it away', async () => {
    const shown = await answered('command', { name: 'button' });
    const { id: messageId } = shown['message'] as { id: string };
    expect((await ask('POST /emulator/choose', { customId: 'go', messageId, values: ['x'] }))['message']).toContain(
      'is no select menu; press it',
    );
    expect(await answered('press', { customId: 'go', messageId })).toMatchObject({
      message: { id: messageId, content: 'Gone' },
    });
    expect((await ask('POST /emulator/press', { customId: 'go', messageId }))['message']).toContain('it has none');
  });

  test('has its message answered by whoever it was for', async () => {
    const userId = guild().generated(3).user.id;
    const shown = await answered('command', { name: 'button', userId });
    const { id: messageId } = shown['message'] as { id: string };
    expect(await ask('POST /emulator/press', { customId: 'go', messageId })).toMatchObject({ userId });
    await gateway.posted.seen({ kind: 'edit' });
  });

  test('shows a modal and answers when it is submitted; its fields take what they say', async () => {
    const shown = await answered('command', { name: 'form' });
    expect(shown).toMatchObject({ state: 'modal', modal: { customId: 'form', title: 'A form' }, submissionId: null });
    const interactionId = shown['id'];
    for (const [values, problem] of [
      [{}, '"name" must have 1 to 10 characters, and has 0'],
      [{ name: 'x'.repeat(11) }, 'and has 11'],
      [{ name: 'ada', kind: '3' }, '"3" is no choice of "kind"; they are 1, 2'],
      [{ name: 'ada', age: '5' }, 'has no field "age"; it has name, more, kind, who'],
      [{ name: 5 }, '"values" must be an object'],
    ] as const)
      expect((await ask('POST /emulator/submit', { interactionId, values }))['message']).toContain(problem);
    const member = guild().generated(1).user;
    const submitted = await answered('submit', { interactionId, values: { name: 'ada', who: [member.id] } });
    expect(submitted).toMatchObject({
      type: 'modal',
      state: 'answered',
      message: { content: `ada nothing 2 ${member.username}` },
    });
    expect(await ask(`GET /emulator/interaction?id=${String(interactionId)}`)).toMatchObject({
      submissionId: submitted['id'],
    });
    expect((await ask('POST /emulator/submit', { interactionId, values: {} }))['message']).toContain('was submitted');
  });

  test('completes what is typed, and takes the whole command', async () => {
    const body = { name: 'find', options: { it: {} }, focused: 'what', text: 'apr' };
    expect(await answered('autocomplete', body)).toMatchObject({
      type: 'autocomplete',
      state: 'choices',
      choices: [{ name: 'apricot', value: 'apricot' }],
    });
    expect(await answered('command', { name: 'find', options: { it: { what: 'apricot' } } })).toMatchObject({
      message: { content: 'it apricot' },
    });
  });

  test('finds what the ids in options stand for', async () => {
    const [role] = guild().parts.roles;
    const channel = guild().textChannels[0];
    const member = guild().generated(1).user;
    const options = {
      user: member.id,
      role: role?.id,
      channel: channel?.id,
      mentionable: role?.id,
      file: 'cat.png',
      size: 'l',
    };
    expect(await answered('command', { name: 'options', options })).toMatchObject({
      message: { content: `${member.username} true ${role?.name} ${channel?.name} true cat.png l` },
    });
  });

  test('has its context-menu commands used on users and messages', async () => {
    const member = guild().generated(1).user;
    const onUser = await answered('context-menu', { name: 'Who is that', targetUserId: member.id });
    expect(onUser).toMatchObject({ message: { content: `That is ${member.username}`, flags: 64 } });
    const said = gateway.people.say('to be');
    expect(await answered('context-menu', { name: 'Quote', targetMessageId: said.id })).toMatchObject({
      message: { content: '"to be"' },
    });
    expect((await ask('POST /emulator/context-menu', { name: 'Quote', targetUserId: member.id }))['message']).toContain(
      'is no user command, but a command of type 3',
    );
    expect((await ask('POST /emulator/command', { name: 'Quote' }))['message']).toContain('is no slash command');
  });
});
