/** The files that `dso init` writes, as texts: dso.yaml, a first bot, and what `deploy/` has for schedulers. */
import { readdirSync, readFileSync } from 'node:fs';
import { startOf, type Project } from './project.js';

export type Scheduler = 'systemd' | 'compose' | 'kubernetes';
export const SCHEDULERS: readonly Scheduler[] = ['systemd', 'compose', 'kubernetes'];

/** `folderMode`: of the folder, where that is made with it. */
export type NewFile = {
  readonly path: string;
  readonly text: string;
  readonly mode?: number;
  readonly folderMode?: number;
};

export type Wishes = { nodes: number; schedulers: readonly Scheduler[]; node: string; newSecret(this: void): string };

/** Of the built package: `npm run build` puts them there. */
const DEPLOY = new URL('../deploy/', import.meta.url);
const SCHEMA_LINE = '# yaml-language-server: $schema=./node_modules/@dshard/cli/dist/dso.schema.json';
export const FIRST_BOT = 'bot.mjs';

export function filesFor(project: Project, wishes: Wishes): readonly NewFile[] {
  const first: NewFile[] = project.entry === null ? [{ path: FIRST_BOT, text: firstBot() }] : [];
  const full = project.entry === null ? { ...project, entry: FIRST_BOT } : project;
  const makes: Readonly<Record<Scheduler, () => readonly NewFile[]>> = {
    systemd: () => systemd(full, wishes),
    compose: () => compose(full, wishes),
    kubernetes: () => kubernetes(full),
  };
  const files = [
    { path: 'dso.yaml', text: configuration(full, wishes.nodes) },
    ...first,
    ...wishes.schedulers.flatMap((scheduler) => makes[scheduler]()),
  ];
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

function configuration(project: Project, nodes: number): string {
  const start = startOf(project);
  const launcher =
    start === null ? [] : 'bot' in start ? [`  bot: ${yaml(start.bot)}`] : [`  command: ${yaml(start.command)}`];
  return [
    SCHEMA_LINE,
    '# The settings of `dso up`. What is not here is at its default: dso config print --all',
    '',
    '# How many processes of the bot are kept up.',
    `nodes: ${nodes}`,
    '',
    '# auto: as many as Discord recommends, which takes DISCORD_TOKEN in the environment.',
    'totalShards: auto',
    '',
    'launcher:',
    '  # How a process of the bot is started.',
    ...launcher,
    '',
  ].join('\n');
}

/** Quoted where it is no plain word. */
function yaml(text: string): string {
  return /^[\w./][\w./ -]*$/.test(text) ? text : JSON.stringify(text);
}

function firstBot(): string {
  return `/** A discord.js bot whose shards move between processes: two lines make it one. */
import { orchestrated } from '@dshard/node/discordjs';
import { Client, Events, GatewayIntentBits } from 'discord.js';

const client = new Client({
  ...orchestrated(),
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
  // Discord's own unless DISCORD_API says otherwise: the emulator's, say.
  ...(process.env.DISCORD_API && { rest: { api: process.env.DISCORD_API } }),
});

client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot || !message.mentions.has(client.user)) return;
  await message.reply(\`Hello from process \${process.pid}.\`);
});

await client.login(process.env.DISCORD_TOKEN);
`;
}

/** The words that start the bot, as a list. */
function wordsOf(project: Project): readonly string[] {
  const start = startOf(project);
  if (start === null) return [];
  return 'bot' in start ? ['node', start.bot] : start.command.split(' ');
}

/** Units see no home directories (ProtectHome): what is there has to be copied to where they look. */
function systemd(project: Project, { node }: Wishes): readonly NewFile[] {
  const isHidden = (path: string): boolean => /^\/(home|root|run\/user|tmp)\//.test(`${path}/`);
  const folder = isHidden(project.folder) ? '/opt/bot' : project.folder;
  const program = isHidden(node) ? '/usr/bin/node' : node;
  const [first = '', ...words] = wordsOf(project);
  const command = [first === 'node' ? program : `/usr/bin/env ${first}`, ...words].join(' ');
  return [
    unit('dso-node@.service', (text) =>
      text
        .replace(
          '# bot.js, package.json with the version, node_modules.',
          '# The bot, package.json with the version, node_modules.',
        )
        .replace('WorkingDirectory=/opt/bot', `WorkingDirectory=${folder}`)
        .replace('ExecStart=/usr/bin/node bot.js', `ExecStart=${command}`),
    ),
    unit('dso-orchestrator.service', (text) =>
      text
        .replace('WorkingDirectory=/opt/dso', `WorkingDirectory=${folder}`)
        .replace(
          '# dso.yaml, and node_modules with',
          '# The bot’s folder: deploy/orchestrator.yaml, and node_modules with',
        )
        .replace('ExecStart=/usr/bin/node ', `ExecStart=${program} `)
        .replace('dso.js up --log json', 'dso.js up --config deploy/orchestrator.yaml --log json'),
    ),
    {
      path: 'deploy/orchestrator.yaml',
      text: `${SCHEMA_LINE.replace('./node', '../node')}\n# The units start the bot’s processes, so there is no launcher.\ntotalShards: auto\n`,
    },
  ];
}

function unit(name: string, changed: (text: string) => string): NewFile {
  return { path: `deploy/${name}`, text: changed(shipped(`systemd/${name}`)) };
}

function compose(project: Project, { newSecret }: Wishes): readonly NewFile[] {
  return [
    ...image(project),
    { path: 'compose.yaml', text: shipped('docker/compose.yaml') },
    {
      path: '.env',
      text: `# Read by Compose. Not for version control.\nDISCORD_TOKEN=\nPOSTGRES_PASSWORD=${newSecret()}\n`,
      mode: 0o600,
    },
    // The user of the containers is another one, so the file is readable, and its folder is closed.
    { path: 'secrets/dso-token', text: `${newSecret()}\n`, mode: 0o444, folderMode: 0o700 },
  ];
}

/** Of the bot, and of the orchestrator. */
function image(project: Project): readonly NewFile[] {
  const words = `[${wordsOf(project)
    .map((word) => JSON.stringify(word))
    .join(', ')}]`;
  return [
    { path: 'Dockerfile', text: shipped('docker/Dockerfile').replace('CMD ["node", "bot.js"]', `CMD ${words}`) },
    { path: '.dockerignore', text: shipped('docker/.dockerignore') },
    { path: 'orchestrator/Dockerfile', text: shipped('docker/orchestrator/Dockerfile') },
    { path: 'orchestrator/package.json', text: shipped('docker/orchestrator/package.json') },
  ];
}

function kubernetes(project: Project): readonly NewFile[] {
  const manifests = readdirSync(new URL('kubernetes/', DEPLOY)).filter((name) => name.endsWith('.yaml'));
  return [
    ...image(project),
    ...manifests.map((name) => ({ path: `kubernetes/${name}`, text: shipped(`kubernetes/${name}`) })),
  ];
}

function shipped(path: string): string {
  return readFileSync(new URL(path, DEPLOY), 'utf8');
}
