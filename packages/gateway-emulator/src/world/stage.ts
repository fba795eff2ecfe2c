/** What people and the bot act upon: the world, its books, the time, and the way events take to the gateway. */
import type { Clock, Random } from '@dshard/transport';
import type { TrafficEvent } from '../core/dispatch.js';
import { Commands } from './commands.js';
import { Interactions } from './interactions.js';
import { MessageBook } from './message-book.js';
import { Posted } from './posted.js';
import type { SnowflakeSource } from './snowflakes.js';
import { snowflakeSource } from './snowflakes.js';
import type { World } from './world.js';

export type Stage = {
  readonly world: World;
  readonly clock: Clock;
  readonly random: Random;
  readonly nextId: SnowflakeSource;
  readonly commands: Commands;
  readonly messages: MessageBook;
  readonly interactions: Interactions;
  readonly posted: Posted;
  readonly emit: (event: TrafficEvent) => void;
};

export function setStage(init: Pick<Stage, 'world' | 'clock' | 'random' | 'emit'>): Stage {
  const nextId = snowflakeSource();
  const { applicationId } = init.world;
  return {
    ...init,
    nextId,
    commands: new Commands({ applicationId, nextId, now: () => init.clock.now() }),
    messages: new MessageBook(),
    interactions: new Interactions(),
    posted: new Posted(),
  };
}
