/** Answers to interactions: the callback, follow-ups, the original answer. Their token stands in the path. */
import { BotActs } from '../../world/bot-acts.js';
import { interactionTypes } from '../../world/interactions.js';
import { ephemeralFlag } from '../../world/message-body.js';
import { RestError, invalidField } from '../../world/rest-error.js';
import type { Stage } from '../../world/stage.js';
import type { RestCall, RestRoute } from './rest-router.js';

export function interactionRoutes(stage: Stage): RestRoute[] {
  const acts = new BotActs(stage);
  const tokenOf = ({ param }: RestCall): string => {
    if (param('application') !== stage.world.applicationId) throw new RestError('unknownWebhook');
    return param('token');
  };
  const answer = '/webhooks/:application/:token/messages/:message';
  return [
    {
      method: 'POST',
      path: '/interactions/:interaction/:token/callback',
      open: true,
      run: async ({ param, query, sent }) => {
        const { json, files } = await sent();
        const callback: { type?: unknown; data?: unknown } = typeof json === 'object' && json !== null ? json : {};
        if (typeof callback.type !== 'number')
          throw invalidField(['type'], 'BASE_TYPE_REQUIRED', 'This field is required');
        const id = param('interaction');
        const message = acts.answer(id, param('token'), { type: callback.type, data: callback.data, files });
        if (query.get('with_response') !== 'true') return { body: null };
        const known = stage.interactions.get(id);
        const about = {
          id,
          type: interactionTypes[known?.type ?? 'command'],
          response_message_loading: callback.type === 5,
          response_message_ephemeral: ((message?.flags ?? 0) & ephemeralFlag) !== 0,
        };
        const resource = { type: callback.type, ...(message === null ? {} : { message }) };
        return {
          body: {
            interaction: { ...about, ...(message === null ? {} : { response_message_id: message.id }) },
            resource,
          },
        };
      },
    },
    {
      method: 'POST',
      path: '/webhooks/:application/:token',
      open: true,
      run: async (call) => {
        const message = acts.followUp(tokenOf(call), await call.sent());
        return { body: message };
      },
    },
    {
      method: 'GET',
      path: answer,
      open: true,
      run: (call) => ({ body: acts.readAnswer(tokenOf(call), call.param('message')) }),
    },
    {
      method: 'PATCH',
      path: answer,
      open: true,
      run: async (call) => ({ body: acts.editAnswer(tokenOf(call), call.param('message'), await call.sent()) }),
    },
    {
      method: 'DELETE',
      path: answer,
      open: true,
      run: (call) => {
        acts.deleteAnswer(tokenOf(call), call.param('message'));
        return { body: null };
      },
    },
  ];
}
