import { defineConfig } from 'vitest/config'

// demo/project has failing tests on purpose: it is what the demo mends.
export default defineConfig({ test: { include: ['**/*.test.ts'], exclude: ['**/node_modules/**', 'demo/project/**'] } })
