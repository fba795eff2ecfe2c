import { describeShardHost } from '../conformance.js';
import { makeErisBot } from './bots.js';

describeShardHost('eris', makeErisBot);
