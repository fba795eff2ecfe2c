import { describeShardHost } from '../conformance.js';
import { makeOceanicBot } from './bots.js';

describeShardHost('oceanic.js', makeOceanicBot);
