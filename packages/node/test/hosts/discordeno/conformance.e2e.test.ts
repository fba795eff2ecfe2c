import { describeShardHost } from '../conformance.js';
import { makeBot } from './conformance-bot.js';

describeShardHost('discordeno', makeBot);
