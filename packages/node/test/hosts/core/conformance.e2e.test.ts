import { describeShardHost } from '../conformance.js';
import { makeCoreBot } from './bots.js';

describeShardHost('@discordjs/core', makeCoreBot);
