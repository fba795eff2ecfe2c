/** What every gateway shard is given besides the library's own options. */
import type { Clock, Logger, Random } from '@dshard/transport';
import type { Dispatch } from './cursor.js';
import type { Delivery, GatewayTimeouts } from './timeouts.js';

export type GatewayOptions = {
  /** Hands a dispatch to user code; what it promises is waited for when the shard leaves. Called by the driver of the gateway shard only. */
  readonly deliver: (payload: Dispatch, shardId: number, delivery: Delivery) => void | Promise<void>;
  readonly timeouts: Readonly<Required<GatewayTimeouts>>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
};
