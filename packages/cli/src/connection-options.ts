/** Which orchestrator to talk to, and what to show it: the options every command has. */
import { messageOf } from '@dshard/protocol';
import { readTls, readTokenFile, systemClock } from '@dshard/transport';
import { Command, type Option } from 'commander';
import { CliError } from './errors.js';
import { addForm, type FormOptions } from './output/form.js';

export type ConnectionOptions = FormOptions & { address?: string; token?: string; ca?: string };

export type Target = {
  /** `http://host:port`, without a slash at the end. */
  url: string;
  token: string | null;
  /** For https: whom to trust, and what to show where that is asked for; undefined: what Node.js trusts, nothing. */
  tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer; servername?: string };
};

const DEFAULT_ADDRESS = 'http://127.0.0.1:7448';

/** @param forms what `-o` takes. */
export function addConnectionOptions(command: Command, forms?: readonly string[]): Command {
  command
    .option(
      '--address <url>',
      `the orchestrator's REST interface (DSO_CLI_ADDR; ${DEFAULT_ADDRESS}); of several, between commas, the one that leads`,
    )
    .option('--token <token>', 'its token (DSO_TOKEN, or the file named by DSO_TOKEN_FILE, which nobody sees in `ps`)')
    .option(
      '--ca <file>',
      'for https: who signs its certificate (DSO_TLS_CA; further DSO_TLS_CERT, DSO_TLS_KEY, DSO_TLS_SERVER_NAME)',
    );
  return addForm(command, forms);
}

/** `dso --address X status` as `dso status --address X`: these options may stand before the command as well. */
export function commandFirst(words: readonly string[]): readonly string[] {
  const known = addConnectionOptions(new Command()).options;
  const optionAt = (at: number): Option | undefined =>
    known.find(({ long, short }) => long === words[at]?.split('=')[0] || (short !== undefined && short === words[at]));
  let before = 0;
  for (let option = optionAt(0); option !== undefined; option = optionAt(before)) {
    before += option.required && !words[before]?.includes('=') ? 2 : 1;
  }
  const [command, ...rest] = words.slice(before);
  return command === undefined || command.startsWith('-') ? words : [command, ...words.slice(0, before), ...rest];
}

/** Orchestrators, of which one leads. Flags win over the environment. Throws DSO_CLI_USAGE. */
export function resolveTargets(
  options: ConnectionOptions,
  environment: Readonly<Record<string, string | undefined>>,
): readonly [Target, ...Target[]] {
  const written = options.address ?? (environment['DSO_CLI_ADDR'] || DEFAULT_ADDRESS);
  const token = options.token ?? tokenFrom(environment);
  const [first = '', ...others] = written.split(',');
  const targetOf = (each: string): Target => {
    const url = parseUrl(each.trim());
    return { url, token, ...(url.startsWith('https:') && { tls: tlsFrom(options, environment) }) };
  };
  return [targetOf(first), ...others.map((each) => targetOf(each))];
}

/** A URL, or `host:port` as the ancestor's command line takes it. */
function parseUrl(written: string): string {
  const text = /^https?:\/\//.test(written)
    ? written
    : `http://${written.startsWith(':') ? `127.0.0.1${written}` : written}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || url.hostname === '') {
    throw new CliError('DSO_CLI_USAGE', `"${written}" is no address: write http://host:port or host:port.`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function tlsFrom(
  options: ConnectionOptions,
  environment: Readonly<Record<string, string | undefined>>,
): NonNullable<Target['tls']> {
  const { DSO_TLS_CERT: cert, DSO_TLS_KEY: key, DSO_TLS_SERVER_NAME: servername } = environment;
  const ca = options.ca ?? environment['DSO_TLS_CA'];
  try {
    const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
    const { own: _, ...material } = readTls(files, systemClock().wallClock());
    return { ...material, ...(servername && { servername }) };
  } catch (cause) {
    throw new CliError('DSO_CLI_USAGE', messageOf(cause), { cause });
  }
}

function tokenFrom(environment: Readonly<Record<string, string | undefined>>): string | null {
  const { DSO_TOKEN: token, DSO_TOKEN_FILE: file } = environment;
  if (token) return token;
  if (!file) return null;
  try {
    return readTokenFile(file);
  } catch (cause) {
    throw new CliError('DSO_CLI_USAGE', `${messageOf(cause)} DSO_TOKEN_FILE names it.`, { cause });
  }
}
