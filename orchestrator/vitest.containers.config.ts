import { defineConfig } from 'vitest/config'

// The suite on real Docker: `npm run test:containers`. It shares one pool of containers, so nothing runs beside anything.
export default defineConfig({
	test: { name: 'containers', include: ['test/containers/**/*.containers.ts'], testTimeout: 400_000, hookTimeout: 600_000, fileParallelism: false, sequence: { concurrent: false } },
})
