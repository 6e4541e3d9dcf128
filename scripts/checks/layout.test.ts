import { describe, expect, it } from 'vitest'
import { countLines, folderProblems, packageProblems, quantile, sizeProblems, topLevelProblems } from './layout.ts'

describe('topLevelProblems', () => {
	it('knows the fixed top level', () => {
		expect(topLevelProblems(['README.md', '.github/x.yml', 'docs/a.md', 'orchestrator/worker/index.ts'])).toEqual([])
		expect(topLevelProblems(['src/index.ts', 'src/b.ts', 'notes.md'])).toEqual([expect.stringMatching(/^src:/), expect.stringMatching(/^notes\.md:/)])
	})
})

describe('folderProblems', () => {
	it('wants kebab-case where there is TypeScript', () => {
		expect(folderProblems(['@shared/ai-patch/src/a.ts', 'containers/patch_manager/x.py', '.ci/run'])).toEqual([])
		expect(folderProblems(['orchestrator/worker/aiProviders/a.ts', 'apps/my_app/b.mjs'])).toHaveLength(2)
	})
})

describe('sizeProblems', () => {
	it.each([
		['src/a.ts', 400, 0],
		['src/a.ts', 401, 1],
		['src/a.test.ts', 600, 0],
		['src/a.test.ts', 601, 1],
		['containers/x/test_a.py', 500, 0],
	])('%s with %i lines', (path, lines, count) => {
		expect(sizeProblems([{ path, lines }])).toHaveLength(count)
	})
})

describe('packageProblems', () => {
	const manifest = { name: '@shared/x', private: true, type: 'module', sideEffects: false, scripts: { test: 'vitest run', typecheck: 'tsc -p .' } }
	const files = ['@shared/x/README.md', '@shared/x/turbo.json', '@shared/x/tsconfig.json']

	it('is silent on a whole package', () => {
		expect(packageProblems({ name: '@shared/x', directory: '@shared/x', manifest }, files)).toEqual([])
	})

	it('names what is missing', () => {
		expect(packageProblems({ name: 'x', directory: '@shared/x', manifest: { scripts: {} } }, ['@shared/x/tsconfig.json'])).toEqual(
			['its name', 'README.md', 'turbo.json', 'no test script', 'no typecheck script', 'not private', '"module"', '"sideEffects"'].map((text) => expect.stringContaining(text)),
		)
		expect(packageProblems({ name: 'agent-runner', directory: 'containers/agent-runner', manifest }, [])).not.toContainEqual(expect.stringContaining('its name'))
	})
})

describe('figures', () => {
	it('counts lines and ranks', () => {
		expect([countLines(''), countLines('a'), countLines('a\n'), countLines('a\nb')]).toEqual([0, 1, 1, 2])
		expect([quantile([], 0.5), quantile([3, 1, 2], 0.5), quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9)]).toEqual([0, 2, 9])
	})
})
