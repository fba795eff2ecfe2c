/** The part of the contract about who may ask for what: tokens, and the audit. */
import { choice, duration, orNull, printableText } from '../values/field.js';
import { ROLES, type Endpoint } from '../endpoint.js';
import type { Takes } from './documents.js';
import { page } from './lists.js';

const DAY_MS = 86_400_000;
const TEN_YEARS_MS = 3_653 * DAY_MS;
const DEFAULT_LIFE_MS = 90 * DAY_MS;

type Names = 'whoAmI' | 'session' | 'logIn' | 'logOut' | 'tokens' | 'createToken' | 'revokeToken' | 'audit';

export const ACCESS: { readonly [Name in Names]: Endpoint<Takes<Name>> } = {
  whoAmI: {
    method: 'GET',
    path: '/v1/whoami',
    role: 'read',
    about: 'which token the request came with, and which role the token has',
    parameters: {},
    command: null,
  },
  session: {
    method: 'GET',
    path: '/v1/session',
    role: 'read',
    about:
      'the same for a page: 401 says that somebody has to log in; `csrf` is what `X-Dso-Csrf` of its requests has to be',
    parameters: {},
    command: null,
  },
  logIn: {
    method: 'POST',
    path: '/v1/session',
    role: 'none',
    about:
      'takes a `token` for a cookie (`dso_session`, for 12 h, HttpOnly, SameSite=Strict), for pages; the session ends with its token, and outlives a restart of the orchestrator',
    parameters: { token: { field: printableText({ expected: 'a token', pattern: /^\S+$/, maxLength: 4_096 }) } },
    command: null,
  },
  logOut: {
    method: 'DELETE',
    path: '/v1/session',
    role: 'read',
    about: 'ends the session that the request comes with',
    parameters: {},
    command: null,
  },
  tokens: {
    method: 'GET',
    path: '/v1/tokens',
    role: 'admin',
    about: 'the API tokens; a token itself is not among what is known of it',
    parameters: {},
    command: {
      under: 'token',
      name: 'list',
      help: 'show the API tokens: their roles, who made each, and when each ends',
      examples: ['dso token list'],
      interrupt: null,
    },
  },
  createToken: {
    method: 'POST',
    path: '/v1/tokens',
    role: 'admin',
    about: 'makes an API token with a `role`; the answer shows the token, this once; it ends after `expires` (90d)',
    parameters: {
      name: {
        field: printableText({
          expected: 'a name of letters, digits, ".", "_" and "-"',
          pattern: /^[A-Za-z0-9][\w.-]{0,63}$/,
          maxLength: 64,
        }),
      },
      role: { field: choice(...ROLES) },
      expires: {
        field: orNull(
          duration({ min: 1_000, max: TEN_YEARS_MS, expected: 'a time such as "12h" or "90d", ten years at most' }),
          'never',
        ),
        fallback: DEFAULT_LIFE_MS,
      },
    },
    command: {
      under: 'token',
      name: 'create',
      help: 'make an API token, and show the token this once',
      details:
        'read: sees everything but the configuration. operate: also moves, starts and stops things. admin: also makes tokens, and sees the audit.\n' +
        'The orchestrator keeps a hash. These tokens open the REST interface only; nodes prove another token.',
      examples: [
        'dso token create grafana read --expires never',
        'dso token create ci operate',
        'dso token create ann admin --expires 12h',
      ],
      arguments: [
        { shown: 'name', parameter: 'name' },
        { shown: 'role', parameter: 'role' },
      ],
      options: [{ flags: '--expires <time>', help: 'such as 12h; or never (90d)' }],
      interrupt: null,
    },
  },
  revokeToken: {
    method: 'POST',
    path: '/v1/tokens/:token/revoke',
    role: 'admin',
    about: 'ends an API token now, by its id or its name; its event streams end within seconds',
    parameters: { token: { field: printableText({ expected: 'the id or the name of a token', maxLength: 64 }) } },
    command: {
      under: 'token',
      name: 'revoke',
      help: 'end an API token now',
      examples: ['dso token revoke ci'],
      arguments: [{ shown: 'token', parameter: 'token' }],
      interrupt: null,
    },
  },
  audit: {
    method: 'GET',
    path: '/v1/audit',
    role: 'admin',
    about: 'who asked for what, from where, and what the answer was; the newest first, the last 1000',
    parameters: page,
    command: {
      name: 'audit',
      help: 'show who asked for what, from where, and what the answer was; the newest first',
      examples: ['dso audit', "dso audit --limit 20 --json | jq '.entries[].action'"],
      options: [{ flags: '--limit <n>', help: 'so many at most' }],
      interrupt: null,
    },
  },
};
