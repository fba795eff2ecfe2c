import { describeShardHost } from '../conformance.js';
import { makeSeyfertBot } from './bots.js';

describeShardHost('seyfert', makeSeyfertBot);
