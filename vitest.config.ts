import { defineConfig } from 'vitest/config';
import { ClosingLine } from './vitest-closing-line.js';

/**
 * Whole programs, and other people's libraries against the emulator: they wait in real time. `npm run e2e` runs them,
 * and nothing else does.
 */
const END_TO_END = 'packages/*/test/**/*.e2e.test.ts';

/**
 * Libraries that change globals, and ends of processes: each such file has a process of its own. The others share what
 * they import: half of the time.
 */
const ALONE = 'packages/node/test/{hosts/**/*,*}.test.ts';

export default defineConfig(({ mode }) => ({
  resolve: { conditions: ['@dshard/source'] },
  ssr: { resolve: { conditions: ['@dshard/source'] } },
  test: {
    // vitest leaves one core idle by default; on two cores that is half of them.
    maxWorkers: '100%',
    reporters: ['default', new ClosingLine()],
    testTimeout: 40_000,
    hookTimeout: 40_000,
    projects:
      mode === 'e2e'
        ? [{ extends: true, test: { name: 'e2e', include: [END_TO_END] } }]
        : [
            { extends: true, test: { name: 'alone', include: [ALONE], exclude: [END_TO_END] } },
            {
              extends: true,
              test: {
                name: 'shared',
                include: ['packages/*/test/**/*.test.ts'],
                exclude: [END_TO_END, ALONE],
                isolate: false,
              },
            },
          ],
  },
}));
