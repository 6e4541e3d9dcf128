import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestRepository } from '../testing/gitServer.ts'
import type { TestRepository } from '../testing/gitServer.ts'
import { createTouchedFiles, touchedInDiff } from './touchedFiles.ts'
import { checkOut } from './workTree.ts'
import type { WorkTree } from './workTree.ts'

const TEN = Array.from({ length: 10 }, (_, index) => `${index + 1}\n`).join('')
const ODD = 'd/é "q"\tback\\slash\nline'

let repository: TestRepository
let root: string
let tree: WorkTree
beforeEach(async () => {
	repository = createTestRepository()
	const { commit } = repository.commit({ a: TEN, b: TEN, gone: '1\n2\n', empty: '', mode: 'x\n', link: 'x\n', same: 'x\n', [ODD]: TEN, '.gitignore': 'ignored/\n', bin: 'x\n' })
	root = mkdtempSync(join(tmpdir(), 'vibehq-test-touched-'))
	const [directory, gitDir] = [join(root, 'work'), join(root, 'git')]
	mkdirSync(directory)
	tree = await checkOut({ mirror: repository.directory, gitDir, directory, baseCommit: commit })
})
afterEach(() => {
	rmSync(root, { recursive: true })
	repository.remove()
})

const write = (path: string, content: string): void => writeFileSync(join(tree.directory, path), content)
const touched = () => createTouchedFiles(tree)(AbortSignal.timeout(20_000))

describe('createTouchedFiles', () => {
	it('tells the lines of the base that differ, and leaves the index alone', async () => {
		expect(await touched()).toEqual([])
		const index = readFileSync(join(tree.gitDir, 'index'))
		write('a', TEN.replace('1\n', 'one\n').replace('5\n6\n', '').replace('9\n', '9\nnew\n'))
		write('b', `top\n${TEN}end\n`)
		rmSync(join(tree.directory, 'gone'))
		rmSync(join(tree.directory, 'empty'))
		chmodSync(join(tree.directory, 'mode'), 0o755)
		rmSync(join(tree.directory, 'link'))
		symlinkSync('/etc/passwd', join(tree.directory, 'link'))
		utimesSync(join(tree.directory, 'same'), 1, 1)
		write(ODD, `${TEN}more\n`)
		write('bin', 'x\0y\n')
		mkdirSync(join(tree.directory, 'ignored'))
		write('ignored/x', 'x')
		write('new file', 'x')
		mkdirSync(join(tree.directory, 'nested'))
		execFileSync('git', ['init', '-q', join(tree.directory, 'nested')])
		write('nested/x', 'x')
		expect(await touched()).toEqual([
			{ path: 'a', ranges: [[1, 1], [5, 6], [10, 9]] },
			{ path: 'b', ranges: [[1, 0], [11, 10]] },
			{ path: 'bin', ranges: [[1, 0]] },
			{ path: ODD, ranges: [[11, 10]] },
			{ path: 'empty', ranges: [] },
			{ path: 'gone', ranges: [[1, 2]] },
			{ path: 'link', ranges: [[1, 1], [1, 0]] },
			{ path: 'mode', ranges: [] },
			{ path: 'new file', ranges: [[1, 0]] },
		])
		expect(readFileSync(join(tree.gitDir, 'index')).equals(index)).toBe(true)
	})

	it('runs nothing that the tree or the agent asks for', async () => {
		write('.gitattributes', '* filter=evil diff=evil\n')
		mkdirSync(join(tree.directory, '.git'))
		write('.git/config', `[filter "evil"]\n\tclean = touch ${root}/pwned\n[diff "evil"]\n\ttextconv = touch ${root}/pwned\n[core]\n\tfsmonitor = touch ${root}/pwned\n`)
		write('a', 'x\n')
		expect((await touched())?.map(({ path }) => path)).toEqual(['a', '.gitattributes'])
		expect(() => readFileSync(join(root, 'pwned'))).toThrow('ENOENT')
	})

	it('is bounded, in files, in ranges and in all', async () => {
		for (let count = 0; count < 600; count += 1) write(`new-${count}`, '')
		expect(await touched()).toHaveLength(500)
		for (let count = 0; count < 400; count += 1) write(`${'long'.repeat(50)}-${count}`, '')
		expect(JSON.stringify(await touched()).length).toBeLessThanOrEqual(48 * 1024 + 2)
	})

	it('gives up on a tree that cannot be read just now', async () => {
		rmSync(join(tree.directory, 'a'))
		execFileSync('python3', ['-c', 'import os, sys; os.mkfifo(sys.argv[1])', join(tree.directory, 'a')])
		expect(await createTouchedFiles(tree)(AbortSignal.timeout(300))).toBe(null)
	})
})

it('reads a diff', () => {
	const hunks = Array.from({ length: 150 }, (_, index) => `@@ -${index * 2 + 1} +${index * 2 + 1} @@\n-x\n+y\n`).join('')
	expect(touchedInDiff(`diff --git a/a b/b/a b/a b/b/a\nindex 1..2 100644\n--- a/a b/b/a\n+++ b/a b/b/a\n${hunks}`)).toMatchObject([{ path: 'a b/b/a', ranges: { length: 100 } }])
	const content = 'diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -3,0 +4,2 @@ diff --git\n+diff --git a/y b/y\n+@@ -9 +9 @@\n'
	expect(touchedInDiff(content)).toEqual([{ path: 'x', ranges: [[4, 3]] }])
	expect(touchedInDiff('diff --git a/x b/x\n')).toEqual([])
	expect(touchedInDiff('')).toEqual([])
})
