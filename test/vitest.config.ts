import { defineConfig } from 'vitest/config'

/** One project a tier; the suffix of a test file is its tier. */
const tier = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: {
    name,
    include: include.map((glob) => `{apps,libs,infra,test}/**/*${glob}`),
    exclude: ['**/node_modules/**', '**/dist/**'],
    ...more,
  },
})

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    watch: false,
    projects: [
      {
        ...tier('unit', ['.spec.ts']),
        test: {
          ...tier('unit', ['.spec.ts']).test,
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.int.spec.ts', '**/*.e2e.spec.ts'],
        },
      },
      tier('int', ['.int.spec.ts'], {
        testTimeout: 120_000,
        hookTimeout: 180_000,
        fileParallelism: true,
        maxWorkers: 2,
        globalSetup: ['libs/testing/src/backing.ts'],
      }),
      tier('e2e', ['.e2e.spec.ts'], { testTimeout: 900_000, hookTimeout: 600_000, fileParallelism: false }),
    ],
  },
})
