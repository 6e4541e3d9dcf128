import { chmodSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GIT_DIFF_PATCH_ARGS, GIT_DIFF_RAW_ARGS, patchSetFromDiff } from './fromDiff.ts'
import { createGitRepository, type GitRepository, readFrom, type Tree, treeOf } from './testing/gitRepository.ts'
import { applyToTree } from './testing/applyToTree.ts'
import { patchSet } from './testing/patchSet.ts'

let repository: GitRepository
beforeEach(() => {
	repository = createGitRepository()
})
afterEach(() => repository.remove())

const task = { taskId: 'TSK-000000000000', provider: 'codex' }
const file = (path: string) => join(repository.directory, path)

/** The patch set of the work tree as it stands, against `before`. */
function make(before: Tree, base: string) {
	repository.stage()
	return patchSetFromDiff({ ...repository.diffFrom(base), readBase: readFrom(before), ...task })
}

describe('patchSetFromDiff', () => {
	it('converts by the exact rules', async () => {
		const before = treeOf({ f: '1\n2\n3\n4\n5\n6\n7\n8\n', empty: '', old: 'a\nb\nc\nd\n' })
		const base = repository.store(before)
		repository.store(treeOf({ f: '0\n1\n3\n4\n5\n5b\n6\n7\n8\n9\n', empty: 'x', new: 'a\nb\nc\nd' }))
		const { files, patches } = await patchSetFromDiff({ ...repository.diffFrom(base), readBase: readFrom(before), ...task, model: 'm' })
		expect(files.map(({ path, change, from }) => [path, change, from])).toEqual([
			['empty', 'modify', undefined],
			['f', 'modify', undefined],
			['new', 'rename', 'old'],
		])
		const common = { task_id: 'TSK-000000000000', metadata: { provider: 'codex', model: 'm' } }
		expect(patches).toEqual([
			{ ...common, file: 'empty', operation: 'append', block: 'x' },
			{ ...common, file: 'f', operation: 'insert-before', line: 1, block: '0\n' },
			{ ...common, file: 'f', operation: 'replace-block', start: 2, end: 2, block: '' },
			{ ...common, file: 'f', operation: 'insert-after', line: 5, block: '5b\n' },
			{ ...common, file: 'f', operation: 'append', block: '9\n' },
			{ ...common, file: 'new', operation: 'replace-block', start: 4, end: 4, block: 'd' },
		])
	})

	it('carries an empty file, a pure rename and a mode without a patch', async () => {
		const before = treeOf({ a: 'a\nb\nc\n', run: '#!\n' })
		const base = repository.store(before)
		repository.store(new Map([...treeOf({ b: 'a\nb\nc\n', empty: '' }), ['run', { content: '#!\n', mode: '100755' }]]))
		const { files, patches } = await patchSetFromDiff({ ...repository.diffFrom(base), readBase: readFrom(before), ...task })
		expect(files.map(({ path, change, mode }) => [path, change, mode])).toEqual([
			['b', 'rename', '100644'],
			['empty', 'create', '100644'],
			['run', 'mode', '100755'],
		])
		expect(patches).toEqual([])
	})

	it('is not misled by the configuration and the attributes of the work tree', async () => {
		const before = treeOf({ f: '1\n\n3\n\n5\n', 'z/g': 'a\n' })
		const base = repository.store(before)
		const settings = ['diff.noprefix=true', 'diff.external=false', 'diff.suppressBlankEmpty=true', 'diff.context=0', 'diff.renames=false', 'color.ui=always']
		settings.push('diff.mnemonicPrefix=true', 'diff.interHunkContext=9', 'diff.bad.textconv=false', 'diff.bad.command=false', 'diff.bad.binary=true')
		settings.push('diff.algorithm=patience', 'diff.relative=true', 'diff.orderFile=z', 'core.quotePath=false', 'diff.wsErrorHighlight=all')
		for (const setting of settings) repository.git(['config', ...setting.split('=')])
		const after = treeOf({ '.gitattributes': 'f diff=bad\nh -diff\n', f: '1\n\n3b\n\n5\n', h: 'a\n' })
		repository.store(after)
		const made = await patchSetFromDiff({ ...repository.diffFrom(base), readBase: readFrom(before), ...task })
		expect(new Set(await applyToTree(before, patchSet(made.files, made.patches)).then((tree) => tree.keys()))).toEqual(new Set(after.keys()))
		expect(made.files.map(({ change }) => change)).toEqual(['create', 'modify', 'rename'])
	})

	it('reads a plain git diff of the work tree too, whose listing leaves new blob ids open', async () => {
		const before = treeOf({ f: '1\n2\n3\n', x: 'x\n', b: 'b\n' })
		const base = repository.store(before)
		writeFileSync(file('f'), '1\n2\n3\n4\n')
		chmodSync(file('x'), 0o755)
		unlinkSync(file('b'))
		const raw = repository.git(['diff', '--raw', '-z', '--no-abbrev', '-M', base])
		for (const context of ['-U0', '-U1', '-U3']) {
			const diff = repository.git(['diff', '--full-index', '-M', context, base])
			const { files, patches } = await patchSetFromDiff({ raw, diff, readBase: readFrom(before), ...task })
			const after = await applyToTree(before, patchSet(files, patches))
			expect([...after.keys()].sort()).toEqual(['f', 'x'])
			expect(new TextDecoder().decode(after.get('f')?.content as Uint8Array)).toBe('1\n2\n3\n4\n')
			expect(after.get('x')?.mode).toBe('100755')
		}
	})

	it('makes a copy a create with its whole content', async () => {
		const before = treeOf({ f: '1\n2\n3\n4\n5\n' })
		const base = repository.store(before)
		repository.store(treeOf({ f: '1\n2\n3\n4\n5\n', g: '1\n2\n3\n4\n5\n6\n', h: '1\n2\n3\n4\n5\n' }))
		const options = ['-C', '--find-copies-harder', base]
		const raw = repository.git([...GIT_DIFF_RAW_ARGS, ...options])
		expect(raw.toString()).toMatch(/ C\d{3}\0f\0g\0/)
		const { files, patches } = await patchSetFromDiff({
			raw,
			diff: repository.git([...GIT_DIFF_PATCH_ARGS, ...options]),
			readBase: readFrom(before),
			...task,
		})
		expect(files.map(({ path, change, base_blob }) => [path, change, base_blob])).toEqual([['g', 'create', null], ['h', 'create', null]])
		expect(patches.map(({ operation, block }) => [operation, block])).toEqual([['append', '1\n2\n3\n4\n5\n6\n'], ['append', '1\n2\n3\n4\n5\n']])
	})

	it('carries delete, pure rename and mode of a binary file, which need no content', async () => {
		const binary = Uint8Array.from({ length: 400 }, (_, index) => index % 256)
		const before: Tree = treeOf({ gone: binary, moved: Uint8Array.from([...binary, 1]), run: Uint8Array.from([...binary, 2]) })
		const base = repository.store(before)
		repository.store(new Map([
			['to', { content: Uint8Array.from([...binary, 1]), mode: '100644' }],
			['run', { content: Uint8Array.from([...binary, 2]), mode: '100755' }],
		]))
		const { files, patches } = await patchSetFromDiff({ ...repository.diffFrom(base), readBase: readFrom(before), ...task })
		expect(files.map(({ path, change }) => [path, change])).toEqual([['gone', 'delete'], ['run', 'mode'], ['to', 'rename']])
		expect(patches).toEqual([])
	})
})

describe('patchSetFromDiff refuses', () => {
	it('binary and non-UTF-8 changes, all by name', async () => {
		const latin = Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 10)
		const before = treeOf({ latin, ok: 'a\n', nul: 'a\0b\nc\nd\ne\nf\n', 'was binary': Uint8Array.of(0, 1, 2) })
		const base = repository.store(before)
		repository.store(treeOf({
			latin: Uint8Array.of(...latin, 0x61, 10),
			ok: 'b\n',
			nul: 'a\0b\nc\nd\ne\nF\n',
			'was binary': 'text\n',
			'new.png': Uint8Array.of(137, 80, 78, 71),
			'late nul': `${'x'.repeat(9000)}\0\n`,
		}))
		const refusal = patchSetFromDiff({ ...repository.diffFrom(base), readBase: readFrom(before), ...task })
		const names = ['late nul', 'latin', 'new.png', 'nul', 'was binary']
		await expect(refusal).rejects.toMatchObject({
			code: 'PATCH_BINARY_UNSUPPORTED',
			message: expect.stringContaining('"new.png"'),
			details: { files: names.map((path) => ({ path, reason: 'not UTF-8 text' })) },
		})
	})

	it('what git itself calls binary', async () => {
		const before = treeOf({ f: 'a\0\n' })
		const base = repository.store(before)
		repository.store(treeOf({ f: 'b\0\n' }))
		const raw = repository.git([...GIT_DIFF_RAW_ARGS, base])
		for (const option of ['--binary', '-p']) {
			const diff = repository.git(['diff-index', '--cached', '--full-index', option, base])
			await expect(patchSetFromDiff({ raw, diff, readBase: readFrom(before), ...task })).rejects.toMatchObject({ code: 'PATCH_BINARY_UNSUPPORTED' })
		}
	})

	it('symbolic links, submodules and changes of type, all by name', async () => {
		const before = treeOf({ f: 'a\n', g: 'b\n', ok: 'x\n' })
		repository.store(before)
		symlinkSync('f', file('old link'))
		const base = repository.stage()
		unlinkSync(file('old link'))
		unlinkSync(file('g'))
		symlinkSync('f', file('g'))
		symlinkSync('/etc/passwd', file('link'))
		mkdirSync(file('sub'))
		repository.git(['-C', file('sub'), '-c', 'init.defaultBranch=x', 'init', '-q'])
		repository.git(['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`])
		repository.git(['add', 'g', 'link', 'old link'])
		const refusal = patchSetFromDiff({ ...repository.diffFrom(base), readBase: readFrom(before), ...task })
		await expect(refusal).rejects.toMatchObject({
			code: 'PATCH_FILE_UNSUPPORTED',
			details: {
				files: [
					{ path: 'g', reason: 'symbolic link' },
					{ path: 'link', reason: 'symbolic link' },
					{ path: 'old link', reason: 'symbolic link' },
					{ path: 'sub', reason: 'submodule' },
				],
			},
		})
	})

	it('a name that is not UTF-8', async () => {
		const base = repository.store(new Map())
		writeFileSync(Buffer.concat([Buffer.from(`${repository.directory}/caf`), Buffer.of(0xe9)]), 'x\n')
		await expect(make(new Map(), base)).rejects.toMatchObject({
			code: 'PATCH_FILE_UNSUPPORTED',
			details: { files: [{ path: 'caf\ufffd', reason: 'name is not UTF-8' }] },
		})
	})
})

describe('patchSetFromDiff finds damage', () => {
	const before = treeOf({ f: '1\n2\n3\n4\n5\n6\n7\n8\n9\n', g: 'g\n' })
	const after = treeOf({ f: '1\nTWO\n3\n4\n5\n6\n7\nEIGHT\n9\n', g: 'G\n' })

	function changed() {
		const base = repository.store(before)
		repository.store(after)
		const { raw, diff } = repository.diffFrom(base)
		const text = new TextDecoder().decode(diff)
		const attempt = (input: { raw?: Uint8Array; diff?: string; tree?: Tree }) =>
			patchSetFromDiff({
				raw: input.raw ?? raw,
				diff: new TextEncoder().encode(input.diff ?? text),
				readBase: readFrom(input.tree ?? before),
				...task,
			})
		return { raw, text, attempt }
	}

	it('in the diff', async () => {
		const { text, attempt } = changed()
		const damaged = [
			text.replace('-2\n', '-2b\n'),
			text.replace(' 1\n', ' 1b\n'),
			text.replace('+TWO\n', '+TWo\n'),
			text.replace('@@ -1,3', '@@ -2,3'),
			text.replace('@@ -1,3 +1,3', '@@ -1,4 +1,4'),
			text.replace('@@ -1,3', '@@ -x,3'),
			text.replace('@@ -7,3', '@@ -1,3'),
			text.replace(/@@ -7,3[^]*?(?=diff)/, ''),
			text.slice(0, -4),
			text.slice(0, text.lastIndexOf('diff --git')),
			text.replace(/index [0-9a-f]{40}/, `index ${'1'.repeat(40)}`),
			text.replace('index ', 'undex '),
			text.replace('-g\n', '-g\n\\ No newline at end of file\n'),
			`${text}trailing prose\n--- and a header\n`,
			`prose\n${text}`,
		]
		expect(new Set([text, ...damaged]).size).toBe(damaged.length + 1)
		await expect(attempt({})).resolves.toMatchObject({ files: [{ path: 'f' }, { path: 'g' }] })
		for (const diff of damaged) await expect(attempt({ diff }), diff).rejects.toMatchObject({ code: 'PATCH_CORRUPT' })
	})

	it('in the listing', async () => {
		const { raw, attempt } = changed()
		const damaged = [raw.subarray(0, -1), raw.subarray(1), raw.subarray(0, raw.indexOf(0) + 1), new TextEncoder().encode(`x\0${raw}`), new Uint8Array()]
		for (const each of damaged) await expect(attempt({ raw: each })).rejects.toMatchObject({ code: 'PATCH_CORRUPT' })
	})

	it('in the base that is read', async () => {
		const { attempt } = changed()
		await expect(attempt({ tree: treeOf({ f: '1\r\n', g: 'g\n' }) })).rejects.toMatchObject({ code: 'PATCH_CORRUPT', details: { path: 'f' } })
		await expect(attempt({ tree: treeOf({ g: 'g\n' }) })).rejects.toMatchObject({ code: 'PATCH_CORRUPT', details: { path: 'f', actual: null } })
	})
})
