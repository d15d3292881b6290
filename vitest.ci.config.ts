import { defineConfig } from 'vitest/config';

// The longer checks: containers, foreign clients, a real browser, real kills.
export default defineConfig({
  test: {
    include: ['test/**/*.ci.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
