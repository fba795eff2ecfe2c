import { defineConfig } from 'vitest/config';
import { ClosingLine } from './vitest-closing-line.js';

/**
 * Whole programs, and other people's libraries against the emulator: they wait in real time. `npm run e2e` runs them,
 * and nothing else does.
 */
const END_TO_END = 'packages/*/test/**/*.e2e.test.ts';

/**
 * Sockets, processes, and libraries that change globals: each such file has a process of its own, so that what is still
 * closing at the end of one is not taken for a leak of the next. The others share what they import: half of the time.
 */
const ALONE = [
  'packages/node/test/{hosts/**/*,*}.test.ts',
  'packages/gateway-emulator/test/{server,docs}/**/*.test.ts',
  'packages/gateway-emulator/test/*.test.ts',
  'packages/orchestrator/test/{adapters,http,runtime}/**/*.test.ts',
  'packages/orchestrator/test/*.test.ts',
  'packages/{chaos,cli,demo,testkit,transport}/test/**/*.test.ts',
];

export default defineConfig(({ mode }) => ({
  resolve: { conditions: ['@dshard/source'] },
  ssr: { resolve: { conditions: ['@dshard/source'] } },
  test: {
    // vitest leaves one core idle by default; on two cores that is half of them.
    maxWorkers: '100%',
    reporters: ['default', new ClosingLine()],
    // A node finds the token of an orchestrator that runs in the same folder: no test means that of a developer.
    env: { DSO_TOKEN: '' },
    testTimeout: 40_000,
    hookTimeout: 40_000,
    projects:
      mode === 'e2e'
        ? [{ extends: true, test: { name: 'e2e', include: [END_TO_END] } }]
        : [
            { extends: true, test: { name: 'alone', include: ALONE, exclude: [END_TO_END] } },
            {
              extends: true,
              test: {
                name: 'shared',
                include: ['packages/*/test/**/*.test.ts'],
                exclude: [END_TO_END, ...ALONE],
                isolate: false,
              },
            },
          ],
  },
}));
