import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@dshard/source'] },
  ssr: { resolve: { conditions: ['@dshard/source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
