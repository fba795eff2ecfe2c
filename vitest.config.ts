import { defineConfig } from 'vitest/config';
import { ClosingLine } from './vitest-closing-line.js';

export default defineConfig({
  resolve: { conditions: ['@dshard/source'] },
  ssr: { resolve: { conditions: ['@dshard/source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    // vitest leaves one core idle by default; on two cores that is half of them.
    maxWorkers: '100%',
    reporters: ['default', new ClosingLine()],
    testTimeout: 40_000,
    hookTimeout: 40_000,
  },
});
