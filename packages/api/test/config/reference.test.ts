import { expect, test } from 'vitest';
import { configEntry, CONFIG_KEYS, type ConfigKey } from '../../src/config/keys.js';
import { writtenValue } from '../../src/config/written.js';

const INTRODUCTION = `# Configuration

Every key of \`dso.yaml\`, with its environment variable. Flags win over the environment, the environment over the file, the file over the
defaults. A dot is a section: \`launcher.stopGrace\` is \`stopGrace\` under \`launcher\`. Times are written \`250ms\`, \`10s\`, \`2m\`, \`1h\` or as a
number of milliseconds. Paths in the file are relative to the file. Unknown keys are refused. Any key can be given to \`dso up\` as \`--set key=value\`.
\`dso config\` shows what is in force in a folder, and where each setting was written; \`dso config check\` says whether it can be used.
\`kill -USR2\` has a running \`dso up\` read file and environment again: it takes over what can change, says what needs a restart, and keeps everything as it is
when the file cannot be used.

\`\`\`yaml
# dso.yaml
totalShards: auto
nodes: 2
launcher:
  bot: ./bot.js
  versionCommand: git describe --always
  updateCommand: git pull
\`\`\`

<!-- The rest is made from packages/api/src/config/keys.ts: \`npx vitest run packages/api/test/config/reference -u\` -->
`;

function describeKey(key: ConfigKey): string {
  const { field, byDefault, about, variable, reloadable } = configEntry(key);
  const written = writtenValue(key, byDefault);
  const byDefaultText = byDefault === null || written === 'none' ? written : `\`${written}\``;
  return [
    `## ${key}`,
    '',
    about,
    '',
    `- takes: ${field.expected}`,
    `- default: ${byDefaultText}`,
    ...(variable === null ? [] : [`- variable: \`${variable}\``]),
    ...(reloadable ? ['- a new value is taken over without a restart (`kill -USR2`)'] : []),
    '',
  ].join('\n');
}

test('docs/reference/config.md lists every key as it is', async () => {
  const page = `${INTRODUCTION}\n${CONFIG_KEYS.map(describeKey).join('\n')}`;
  await expect(page).toMatchFileSnapshot('../../../../docs/reference/config.md');
});
