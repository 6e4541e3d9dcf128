import { describe, expect, it } from 'vitest'
import { pathProblem } from './paths.ts'

describe('pathProblem', () => {
	it.each([
		'a', 'a/b', ' a', 'a ', '-x', '...', 'a/..b', '.gitignore', '.github/x', '.git2', 'git', 'x.git', 'git~10', 'a\\b', 'tab\t', 'line\n', 'é', '😀',
		'a:b', '\u200c', 'é'.repeat(127),
	])('takes %j', (path) => {
		expect(pathProblem(path)).toBeNull()
	})

	it.each([
		['path-absolute', '/'], ['path-absolute', '\\a'], ['path-absolute', 'c:/a'],
		['path-escape', '..'], ['path-escape', 'a/..'], ['path-escape', 'a\\..'],
		['path-dot-segment', '.'], ['path-dot-segment', 'a/./b'],
		['path-empty-segment', ''], ['path-empty-segment', 'a//b'], ['path-empty-segment', 'a/'],
		['path-git-directory', '.git'], ['path-git-directory', 'a/.GiT/b'], ['path-git-directory', 'GIT~1'], ['path-git-directory', '.git '],
		['path-git-directory', '.git...'], ['path-git-directory', '.git . /x'], ['path-git-directory', '.git:x'], ['path-git-directory', 'x\\.git'],
		['path-git-directory', '.gi\ufefft'], ['path-git-directory', '\u202e.git'], ['path-git-directory', 'git~1 .:a'],
		['path-encoding', 'a\0'], ['path-encoding', '\ud800'],
		['path-too-long', 'x'.repeat(256)], ['path-too-long', 'a/'.repeat(128) + 'b'],
	])('%s: %j', (rule, path) => {
		expect(pathProblem(path)).toBe(rule)
	})
})
