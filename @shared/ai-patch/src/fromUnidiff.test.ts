import { PatchSet } from '@shared/contracts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { patchSetFromUnidiff } from './fromUnidiff.ts'
import { applyToTree } from './testing/applyToTree.ts'
import { arbitraryChange } from './testing/arbitraryChange.ts'
import { bytesOf, createGitRepository, type GitRepository, readFrom, type Tree, treeOf } from './testing/gitRepository.ts'

let repository: GitRepository
beforeAll(() => {
	repository = createGitRepository()
})
afterAll(() => repository.remove())

const BY = { taskId: 'TSK-000000000000', provider: 'jules' }
const on = (before: Tree, unidiff: string) => patchSetFromUnidiff({ unidiff, readBase: readFrom(before), readBaseMode: async (path) => before.get(path)?.mode ?? null, ...BY })

/** As a client of git gets it: a text, with the ids shortened. */
function diffOf(before: Tree, after: Tree, options: readonly string[] = []): string {
	const base = repository.store(before)
	const result = repository.store(after)
	return repository.git(['diff', '--no-color', ...options, base, result]).toString()
}

const plain = (tree: Tree) => [...tree].map(([path, file]) => [path, file.mode, Buffer.from(bytesOf(file)).toString('latin1')]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
const setOf = (made: Awaited<ReturnType<typeof on>>) =>
	PatchSet.parse({ patch_set_id: 'PST-0000000000000000', task_id: BY.taskId, execution_id: 'EXE-0000000000000000', base_commit: '0'.repeat(40), summary: '', metadata: { provider: BY.provider }, ...made })

const refused = (code: string, path: string) => ({ code, details: { files: [{ path }] } })

describe('patchSetFromUnidiff', () => {
	const seen = new Set<string>()

	it.each([
		['with context', []],
		['with renames and copies', ['-M', '-C', '--find-copies-harder']],
		['without context', ['-U0', '--no-renames']],
		['with whole ids', ['--full-index']],
	])('carries every change of text files, byte for byte, %s', { timeout: 120_000 }, async (_, options) => {
		await fc.assert(
			fc.asyncProperty(arbitraryChange(8), async ({ before, after }) => {
				const made = await on(before, diffOf(before, after, options))
				expect(plain(await applyToTree(before, setOf(made)))).toEqual(plain(after))
				for (const { change } of made.files) seen.add(change)
			}),
			{ numRuns: 12 },
		)
	})

	it('has been shown changes of every kind by then', () => {
		expect([...seen].sort()).toEqual(['create', 'delete', 'mode', 'modify', 'rename'])
	})

	it('knows a copy, an empty file, and a file that becomes executable while it moves', async () => {
		const text = 'a\nb\nc\nd\ne\n'
		const before: Tree = treeOf({ one: text, two: `${text}2\n` })
		const after: Tree = new Map([...treeOf({ one: text, copy: `${text}more\n`, empty: '' }), ['moved', { content: `${text}2\n`, mode: '100755' as const }]])
		const made = await on(before, diffOf(before, after, ['-M', '-C', '--find-copies-harder']))
		expect(made.files.map(({ path, change, from, mode }) => [path, change, from, mode])).toEqual([
			['copy', 'create', undefined, '100644'],
			['empty', 'create', undefined, '100644'],
			['moved', 'rename', 'two', '100755'],
		])
		expect(plain(await applyToTree(before, setOf(made)))).toEqual(plain(after))
	})

	it('proves every line against the base', async () => {
		const diff = diffOf(treeOf({ f: '1\n2\n3\n' }), treeOf({ f: '1\ntwo\n3\n' }))
		const withoutIndex = diff.replace(/^index .*\n/m, '')
		expect((await on(treeOf({ f: '1\n2\n3\n' }), withoutIndex)).files).toMatchObject([{ path: 'f', change: 'modify' }])
		await expect(on(treeOf({ f: '1\n2\nthree\n' }), withoutIndex)).rejects.toMatchObject({ code: 'PATCH_CORRUPT', message: expect.stringContaining('line 3') })
		await expect(on(treeOf({ f: '1\n2\n3\n4\n' }), diff)).rejects.toMatchObject({ code: 'PATCH_CORRUPT', message: expect.stringContaining('the base of it is') })
		await expect(on(treeOf({ f: '1\n2\n3\n' }), diff.replace('+two', '+zwei'))).rejects.toMatchObject({ code: 'PATCH_CORRUPT', message: expect.stringContaining('it gives') })
	})

	it.each([
		['no diff at all', 'hello'],
		['a name without its letter', 'diff --git f f\n--- f\n+++ f\n@@ -1 +1 @@\n-1\n+2\n'],
		['two names', 'diff --git a/f b/g\n--- a/f\n+++ b/g\n@@ -1 +1 @@\n-1\n+2\n'],
		['names that differ', 'diff --git a/f b/f\n--- a/f\n+++ b/g\n@@ -1 +1 @@\n-1\n+2\n'],
		['a header that says it twice', 'diff --git a/f b/f\nnew mode 100755\nnew mode 100644\n'],
		['a name with an escape that git has not', 'diff --git "a/\\x" "b/\\x"\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+1\n'],
		['a file that is not there', 'diff --git a/g b/g\n--- a/g\n+++ b/g\n@@ -1 +1 @@\n-1\n+2\n'],
		['a new file that is there', 'diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+2\n'],
		['a delete that leaves lines', 'diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n'],
		['a change whose lines are gone', 'diff --git a/f b/f\nindex 1191247..0cfbf08 100644\n'],
		['a change of nothing', 'diff --git a/f b/f\n'],
		['lines behind the last hunk', 'diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+2\n+3\n'],
		['fewer lines than it says', 'diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-1\n+2\n'],
		['a line behind the one that ends the file', 'diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n-1\n+a\n\\ No newline at end of file\n+b\n'],
		['lines of the base behind the one that ends the file', 'diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+a\n\\ No newline at end of file\n'],
		['a rename that is a new file too', 'diff --git a/f b/g\nnew file mode 100644\nrename from f\nrename to g\n'],
		['half a character', `diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+\ud83d\n`],
	])('refuses %s', async (_, diff) => {
		await expect(on(treeOf({ f: '1\n2\n' }), diff)).rejects.toMatchObject({ code: 'PATCH_CORRUPT' })
	})

	it.each(['../f', '.git/hooks/x', '/etc/passwd', 'a//b'])('refuses the path %s before it reads', async (path) => {
		const readBase = () => Promise.reject(new Error('was read'))
		const unidiff = `diff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+1\n`
		await expect(patchSetFromUnidiff({ unidiff, readBase, readBaseMode: async () => null, ...BY })).rejects.toMatchObject({ code: 'PATCH_POLICY' })
	})

	it('refuses what is not text by name, and takes a binary file that goes', async () => {
		const binary = treeOf({ f: '1\n', b: new Uint8Array([0, 255, 1]) })
		await expect(on(treeOf({ f: '1\n' }), diffOf(treeOf({ f: '1\n' }), binary))).rejects.toMatchObject(refused('PATCH_BINARY_UNSUPPORTED', 'b'))
		expect((await on(binary, diffOf(binary, treeOf({ f: '1\n' })))).files).toMatchObject([{ path: 'b', change: 'delete', result_blob: null }])
		const link = 'diff --git a/l b/l\nnew file mode 120000\nindex 0000000..1de5659\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+f\n\\ No newline at end of file\n'
		await expect(on(treeOf({}), link)).rejects.toMatchObject(refused('PATCH_FILE_UNSUPPORTED', 'l'))
		const toLink = 'diff --git a/f b/f\nold mode 100644\nnew mode 120000\n'
		await expect(on(treeOf({ f: '1\n' }), toLink)).rejects.toMatchObject(refused('PATCH_FILE_UNSUPPORTED', 'f'))
	})

	it('keeps every name as it is, quoted or not', async () => {
		const names = ['trail ', ' lead', 'a b/c b/d', 'tab\there', 'new\nline', 'quo"te', 'back\\slash', 'ümläut', '"quoted"', '😀', '\u0001']
		for (const options of [['-c', 'core.quotePath=false'], []]) {
			for (const name of names) {
				const after = treeOf({ [`to/${name}`]: '1\n' })
				const diff = repository.git([...options, 'diff', repository.store(treeOf({})), repository.store(after)]).toString()
				expect((await on(treeOf({}), diff)).files.map(({ path }) => path)).toEqual([`to/${name}`])
			}
		}
		await expect(on(treeOf({}), 'diff --git "a/\\377" "b/\\377"\nnew file mode 100644\n')).rejects.toMatchObject(refused('PATCH_FILE_UNSUPPORTED', '\ufffd'))
	})

	it('refuses bytes that were lost on the way, and keeps the character itself', async () => {
		const latin = treeOf({ f: new Uint8Array([0x63, 0x61, 0x66, 0xe9, 10]) })
		await expect(on(treeOf({}), diffOf(treeOf({}), latin))).rejects.toMatchObject(refused('PATCH_BINARY_UNSUPPORTED', 'f'))
		const real = treeOf({ f: 'caf\ufffd\n' })
		const diff = diffOf(treeOf({}), real)
		expect(plain(await applyToTree(treeOf({}), setOf(await on(treeOf({}), diff))))).toEqual(plain(real))
		await expect(on(treeOf({}), diff.replace(/^index .*\n/m, ''))).rejects.toMatchObject(refused('PATCH_BINARY_UNSUPPORTED', 'f'))
	})
})
