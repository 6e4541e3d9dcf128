import { describe, expect, it } from 'vitest'
import { applyPatchSet } from './apply.ts'
import { blobId } from './gitObjects.ts'
import { readFrom, treeOf } from './testing/gitRepository.ts'
import { append, modify, patchSet, replaceBlock } from './testing/patchSet.ts'
import { encodeText } from './text.ts'

describe('applyPatchSet', () => {
	it('gives path, mode, content and blob of each file, in the order of the list', async () => {
		const base = treeOf({ old: 'a\n', gone: 'g\n', f: 'f\n' })
		const id = async (text: string) => blobId(encodeText(text))
		const set = patchSet(
			[
				{ path: 'new', from: 'old', change: 'rename', mode: '100755', base_blob: await id('a\n'), result_blob: await id('b\n') },
				{ path: 'gone', change: 'delete', mode: '100644', base_blob: await id('g\n'), result_blob: null },
				await modify('f', { from: 'f\n', to: 'f\ng\n' }),
			],
			[append('f', 'g\n'), replaceBlock('new', [1, 1], 'b\n')],
		)
		expect(await applyPatchSet(set, readFrom(base))).toEqual([
			{ path: 'new', from: 'old', change: 'rename', mode: '100755', content: encodeText('b\n'), blob: await id('b\n') },
			{ path: 'gone', change: 'delete', mode: '100644', content: null, blob: null },
			{ path: 'f', change: 'modify', mode: '100644', content: encodeText('f\ng\n'), blob: await id('f\ng\n') },
		])
	})

	it('says which file is stale and what it is now', async () => {
		const set = patchSet([await modify('f', { from: 'a\n', to: 'a\nb\n' })], [append('f', 'b\n')])
		const [expected, actual] = [await blobId(encodeText('a\n')), await blobId(encodeText('other\n'))]
		await expect(applyPatchSet(set, readFrom(treeOf({ f: 'other\n' })))).rejects.toMatchObject({
			code: 'PATCH_STALE',
			details: { path: 'f', expected, actual },
		})
	})

	it('reads nothing before the set is known to be sound', async () => {
		const reads: string[] = []
		const read = async (path: string) => {
			reads.push(path)
			return encodeText('a\n')
		}
		const sound = await modify('f', { from: 'a\n', to: 'a\nb\n' })
		const outside = await modify('../f', { from: 'a\n', to: 'a\nb\n' })
		const set = patchSet([sound, outside], [append('f', 'b\n'), append('../f', 'b\n')])
		await expect(applyPatchSet(set, read)).rejects.toMatchObject({ code: 'PATCH_POLICY', details: { rule: 'path-escape', path: '../f' } })
		expect(reads).toEqual([])
	})

	it('refuses a second result for a path that a prototype would answer for', async () => {
		const set = patchSet([await modify('__proto__', { from: 'a\n', to: 'b\n' })], [replaceBlock('constructor', [1, 1], 'b\n')])
		await expect(applyPatchSet(set, readFrom(new Map()))).rejects.toMatchObject({ code: 'PATCH_INVALID', details: { rule: 'file-not-listed' } })
	})

	it('finishes ten thousand files and a million operations', async () => {
		const paths = Array.from({ length: 10_000 }, (_, index) => `d${index % 100}/f${index}`)
		const from = 'x\n'.repeat(100)
		const to = 'y\n'.repeat(100)
		const file = await modify('', { from, to })
		const patches = paths.flatMap((path) => Array.from({ length: 100 }, (_, at) => replaceBlock(path, [100 - at, 100 - at], 'y\n')))
		const applied = await applyPatchSet(patchSet(paths.map((path) => ({ ...file, path })), patches), async () => encodeText(from))
		expect(applied).toHaveLength(10_000)
		expect(applied.at(-1)?.content).toEqual(encodeText(to))
	}, 120_000)
})
