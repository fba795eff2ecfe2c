import { vi } from 'vitest';
import { describeSeededBugs } from '../seeded-bugs.js';
import type { Machine } from '../seeded-bugs.js';
import { makeBot } from './conformance-bot.js';

vi.mock('../../../src/gateway-shard/decide.js', async (original) => {
  const { withSeededBug } = await import('../seeded-bugs.js');
  return withSeededBug(await original<Machine>());
});

describeSeededBugs('@discordjs/ws', makeBot);
