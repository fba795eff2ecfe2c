/** The bot and its application: `/users/@me`, `/applications/@me`, application commands. */
import type { APIApplicationCommand } from 'discord-api-types/v10';
import { RestError } from '../../world/rest-error.js';
import type { Stage } from '../../world/stage.js';
import { userJson } from '../../world/users.js';
import type { RestCall, RestRoute } from './rest-router.js';

export function applicationRoutes({ world, commands }: Stage): RestRoute[] {
  const me = (): unknown => JSON.parse(world.userJson);
  const application = (): unknown => ({
    ...JSON.parse(world.applicationJson),
    name: world.user.username,
    icon: null,
    description: '',
    summary: '',
    bot: me(),
    bot_public: true,
    bot_require_code_grant: false,
    verify_key: '0'.repeat(64),
    owner: { ...userJson(world.user), bot: false },
    team: null,
    hook: true,
    redirect_uris: [],
    interactions_endpoint_url: null,
    role_connections_verification_url: null,
    approximate_guild_count: world.guildCount,
    approximate_user_install_count: 0,
    integration_types_config: {
      0: { oauth2_install_params: { scopes: ['bot', 'applications.commands'], permissions: '8' } },
    },
  });
  return [
    { method: 'GET', path: '/users/@me', run: () => ({ body: me() }) },
    { method: 'PATCH', path: '/users/@me', run: () => ({ body: me() }) },
    {
      method: 'GET',
      path: '/users/@me/guilds',
      run: ({ query }) => {
        const limit = Math.min(200, Math.max(1, Number(query.get('limit')) || 200));
        const last = query.get('after');
        const after = last !== null && /^\d{1,20}$/.test(last) ? BigInt(last) : 0n;
        const ids = world.guildIdsOf(0, 1).filter((id) => BigInt(id) > after);
        const guilds = ids.slice(0, limit).flatMap((id) => world.guild(id) ?? []);
        return {
          body: guilds.map(({ id, name }) => ({
            id,
            name,
            icon: null,
            banner: null,
            owner: false,
            permissions: '8',
            features: [],
          })),
        };
      },
    },
    { method: 'GET', path: '/applications/@me', run: () => ({ body: application() }) },
    { method: 'GET', path: '/oauth2/applications/@me', run: () => ({ body: application() }) },
    ...[null, 'guild'].flatMap((scope) => commandRoutes(scope === null ? '' : '/guilds/:guild', { world, commands })),
  ];
}

function commandRoutes(scope: string, { world, commands }: Pick<Stage, 'world' | 'commands'>): RestRoute[] {
  const path = `/applications/:application${scope}/commands`;
  const scopeOf = ({ param }: RestCall): string | null => {
    if (param('application') !== world.applicationId) throw new RestError('unknownApplication');
    if (scope === '') return null;
    if (world.guild(param('guild')) === null) throw new RestError('missingAccess');
    return param('guild');
  };
  return [
    { method: 'GET', path, run: (call) => ({ body: commands.list(scopeOf(call)) }) },
    {
      method: 'PUT',
      path,
      run: async (call) => {
        const guildId = scopeOf(call);
        return { body: commands.replaceAll(guildId, (await call.sent()).json) };
      },
    },
    {
      method: 'POST',
      path,
      run: async (call): Promise<{ status: number; body: APIApplicationCommand }> => {
        const { command, created } = commands.upsert(scopeOf(call), (await call.sent()).json);
        return { status: created ? 201 : 200, body: command };
      },
    },
    {
      method: 'GET',
      path: `${path}/:command`,
      run: (call) => ({ body: commands.get(scopeOf(call), call.param('command')) }),
    },
    {
      method: 'PATCH',
      path: `${path}/:command`,
      run: async (call) => ({ body: commands.edit(scopeOf(call), call.param('command'), (await call.sent()).json) }),
    },
    {
      method: 'DELETE',
      path: `${path}/:command`,
      run: (call) => {
        commands.delete(scopeOf(call), call.param('command'));
        return { body: null };
      },
    },
  ];
}
