import type { AIPatch } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { patchSetFromPatches } from './handWritten.ts'
import { applyToTree } from './testing/applyToTree.ts'
import { bytesOf, readFrom, treeOf } from './testing/gitRepository.ts'
import { append, insertAfter, insertBefore, patchSet, replaceBlock } from './testing/patchSet.ts'

async function apply(base: Record<string, string>, patches: AIPatch[]): Promise<{ f: string | null; normalised: string[] }> {
	const made = await patchSetFromPatches(patches, { readBase: readFrom(treeOf(base)), readBaseMode: async () => null })
	const after = (await applyToTree(treeOf(base), patchSet(made.files, made.patches))).get('f')
	return { f: after === undefined ? null : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytesOf(after)), normalised: made.normalised }
}

describe('patchSetFromPatches', () => {
	it.each<[name: string, base: string, patches: AIPatch[], after: string, isNormalised: boolean]>([
		['leaves exact blocks alone', 'a\nb\n', [replaceBlock('f', [1, 1], 'A\n')], 'A\nb\n', false],
		['closes a block in the middle', 'a\nb\n', [replaceBlock('f', [1, 1], 'A')], 'A\nb\n', true],
		['closes it as the file does', 'a\r\nb\r\n', [insertBefore('f', 2, 'x')], 'a\r\nx\r\nb\r\n', true],
		['closes it as most lines of the file do', 'a\nb\r\nc\r\n', [replaceBlock('f', [1, 1], 'x')], 'x\r\nb\r\nc\r\n', true],
		['leaves open what ends the file after a deletion', 'a\nb\nc\n', [replaceBlock('f', [3, 3], ''), replaceBlock('f', [2, 2], 'x')], 'a\nx', false],
		['keeps a deletion a deletion', 'a\nb\n', [replaceBlock('f', [1, 1], '')], 'b\n', false],
		['keeps the end open', 'a\nb\n', [replaceBlock('f', [2, 2], 'B')], 'a\nB', false],
		['does not glue to an open last line', 'a\nb', [append('f', 'c')], 'a\nb\nc', true],
		['does not glue to an open replacement', 'a\nb\n', [replaceBlock('f', [2, 2], 'B'), append('f', 'c\n')], 'a\nB\nc\n', true],
		['does not glue appends', 'a\n', [append('f', 'b'), insertAfter('f', 1, 'x'), append('f', 'c')], 'a\nx\nb\nc', true],
	])('%s', async (_, base, patches, after, isNormalised) => {
		expect(await apply({ f: base }, patches)).toEqual({ f: after, normalised: isNormalised ? ['f'] : [] })
	})

	it('creates a file by appends, and by nothing else', async () => {
		expect(await apply({}, [append('f', 'a'), append('f', 'b\n')])).toEqual({ f: 'a\nb\n', normalised: ['f'] })
		await expect(apply({}, [insertBefore('f', 1, 'a\n')])).rejects.toMatchObject({ code: 'PATCH_STALE', details: { path: 'f' } })
	})

	it.each([
		['PATCH_POLICY', append('../f', 'x\n')],
		['PATCH_POLICY', append('.git/config', 'x\n')],
		['PATCH_INVALID', append('f', '\ud800')],
		['PATCH_BINARY_UNSUPPORTED', append('f', '\0')],
	])('refuses with %s before it reads anything: %j', async (code, patch) => {
		const reads: string[] = []
		const readBase = async (path: string) => {
			reads.push(path)
			return null
		}
		await expect(patchSetFromPatches([append('f', 'fine\n'), patch], { readBase, readBaseMode: async () => null })).rejects.toMatchObject({ code })
		expect(reads).toEqual([])
	})

	it('wants a base', async () => {
		const made = patchSetFromPatches([replaceBlock('f', [1, 1], 'A\n'), append('g', 'x\n'), append('f', 'y\n')], { readBase: null })
		await expect(made).rejects.toMatchObject({ code: 'PATCH_BASE_REQUIRED', details: { files: ['f', 'g'] } })
	})

	it('keeps the mode of the base', async () => {
		const made = await patchSetFromPatches([append('f', 'x\n')], { readBase: readFrom(treeOf({ f: 'a\n' })), readBaseMode: async () => '100755' })
		expect(made.files).toMatchObject([{ change: 'modify', mode: '100755' }])
	})

	it.each(['out-of-range', 'overlap'])('refuses as a set would: %s', async (rule) => {
		const patches = rule === 'overlap' ? [replaceBlock('f', [1, 1], 'x'), replaceBlock('f', [1, 1], 'y')] : [insertAfter('f', 9, 'x')]
		await expect(apply({ f: 'a\n' }, patches)).rejects.toMatchObject({ code: 'PATCH_INVALID', details: { rule } })
	})
})
