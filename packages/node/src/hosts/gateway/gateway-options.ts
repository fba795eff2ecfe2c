/** What every host on the gateway connection of @discordjs/ws is given besides the library's own options. */
import type { Clock, Logger, Random } from '@dshard/transport';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import type { Delivery, GatewayTimeouts } from './timeouts.js';

export type GatewayOptions = {
  /** Gets every dispatch, in order; a promise is waited for when the shard leaves. */
  readonly onDispatch: (payload: GatewayDispatchPayload, shardId: number, delivery: Delivery) => void | Promise<void>;
  readonly timeouts: Readonly<Required<GatewayTimeouts>>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
};
