import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { POOL_BINDINGS } from './test/support/pools.ts'

// Two kinds of tests: beside the code in workerd with a real D1, and `*.node.test.ts` in Node, which start the
// whole Worker (and real git, real CLIs) from outside.
export default defineConfig(async () => ({
	test: {
		maxWorkers: 2,
		projects: [
			{
				plugins: [
					cloudflareTest({
						main: './test/probe.ts',
						miniflare: {
							compatibilityDate: '2026-11-01',
							compatibilityFlags: ['nodejs_compat'],
							d1Databases: ['DB'],
							r2Buckets: ['OUTPUTS'],
							kvNamespaces: ['POOL_SNAPSHOTS'],
							durableObjects: { CONTAINER_POOL: { className: 'ContainerPool', useSQLite: true }, EVENT_HUB: { className: 'EventHub', useSQLite: true } },
							bindings: { TEST_MIGRATIONS: await readD1Migrations(`${import.meta.dirname}/../migrations`), ...POOL_BINDINGS },
						},
					}),
				],
				test: { name: 'workerd', isolate: false, include: ['worker/**/*.test.ts', 'test/**/*.test.ts'], exclude: ['**/*.node.test.ts', '**/*.e2e.test.ts'], setupFiles: ['./test/migrate.ts'], testTimeout: 30_000 },
			},
			{ test: { name: 'node', include: ['worker/**/*.node.test.ts', 'test/**/*.node.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
			{ test: { name: 'e2e', include: ['test/**/*.e2e.test.ts'], testTimeout: 240_000, hookTimeout: 240_000 } },
		],
	},
}))
