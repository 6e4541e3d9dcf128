import { describe, expect, it } from 'vitest'
import { matchesGlob } from './globs.ts'

describe('matchesGlob', () => {
	it.each([
		['package.json', 'package.json'],
		['*.json', 'package.json'],
		['.*/**', '.github/workflows/ci.yml'],
		['.*/**', '.vscode/settings.json'],
		['**/AGENTS.md', 'AGENTS.md'],
		['**/AGENTS.md', 'docs/deep/Agents.MD'],
		['src/**/*.ts', 'src/a.ts'],
		['src/**/*.ts', 'src/a/b/c.ts'],
		['src/**', 'src/a/b'],
		['a?c', 'abc'],
		['a+(b)', 'a+(b)'],
	])('%s fits %s', (pattern, path) => expect(matchesGlob(pattern, path)).toBe(true))

	it.each([
		['*.json', 'deep/package.json'],
		['.*/**', '.gitignore'],
		['.*/**', 'src/.hidden/x'],
		['**/AGENTS.md', 'MY_AGENTS.md'],
		['src/**/*.ts', 'srcs/a.ts'],
		['src/*', 'src/a/b'],
		['a?c', 'a/c'],
		['a', ''],
		['', 'a'],
	])('%s does not fit %s', (pattern, path) => expect(matchesGlob(pattern, path)).toBe(false))

	it('is not slow for patterns that are', () => {
		expect(matchesGlob('*a'.repeat(100), `${'a'.repeat(3000)}b`)).toBe(false)
		expect(matchesGlob('**/'.repeat(100), `${'a/'.repeat(1000)}b`)).toBe(false)
	})
})
