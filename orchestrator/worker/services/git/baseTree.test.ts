import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../test/landing/memoryStore.ts'
import { createBaseTree, isMergeable, MERGE_LIMITS } from './baseTree.ts'
import type { ReadLimits } from './baseTree.ts'

async function baseOf(files: Parameters<ReturnType<typeof createMemoryStore>['addTree']>[0], limits?: ReadLimits) {
	const memory = createMemoryStore()
	const base = createBaseTree(memory.store, await memory.addTree(files), limits)
	return { base, memory }
}

describe('readBase', () => {
	it('gives content, and null for nothing, a directory, and what would lie below a file', async () => {
		const { base } = await baseOf({ 'a/b': 'text' })
		expect(new TextDecoder().decode((await base.readBase('a/b')) ?? undefined)).toBe('text')
		expect(await Promise.all(['a', 'a/c', 'x/y', 'a/b/c', ''].map((path) => base.readBase(path)))).toEqual([null, null, null, null, null])
	})

	it('reads a file once, however often it is asked', async () => {
		const { base, memory } = await baseOf({ 'a/b': 'text' })
		await Promise.all([base.readBase('a/b'), base.readBase('a/b')])
		await base.readBase('a/b')
		expect(memory.reads.filter((read) => read.startsWith('blob'))).toHaveLength(1)
	})

	it('refuses symlinks and submodules, at the path and on the way to it', async () => {
		const { base } = await baseOf({ link: { mode: '120000', content: 'a' }, sub: { mode: '160000', content: 'c'.repeat(40) } })
		await expect(base.readBase('link')).rejects.toMatchObject({ code: 'PATCH_FILE_UNSUPPORTED', details: { path: 'link' } })
		await expect(base.readBase('sub')).rejects.toMatchObject({ code: 'PATCH_FILE_UNSUPPORTED' })
		await expect(base.readBase('link/x')).rejects.toMatchObject({ code: 'PATCH_POLICY', details: { rule: 'symlink-parent' } })
		await expect(base.entryAt('sub/x')).rejects.toMatchObject({ code: 'PATCH_POLICY', details: { rule: 'submodule-parent' } })
	})

	it('stops before memory does', async () => {
		const limits = { maxFileBytes: 10, maxTotalBytes: 15, maxFileLines: 3 }
		const { base } = await baseOf({ big: 'x'.repeat(11), a: 'a'.repeat(10), b: 'b'.repeat(5), c: 'c' }, limits)
		await expect((await baseOf({ big: 'x'.repeat(11) }, limits)).base.readBase('big')).rejects.toMatchObject({ code: 'PATCH_TOO_LARGE', details: { rule: 'file-bytes', bytes: 11, limit: 10 } })
		await base.readBase('a')
		await base.readBase('b')
		await expect(base.readBase('c')).rejects.toMatchObject({ code: 'PATCH_TOO_LARGE', details: { rule: 'total-bytes', limit: 15 } })
		const { base: short } = await baseOf({ three: 'a\n\n\nb', four: '\n\n\n\n' }, limits)
		await short.readBase('three')
		await expect(short.readBase('four')).rejects.toMatchObject({ code: 'PATCH_TOO_LARGE', details: { rule: 'file-lines', path: 'four', limit: 3 } })
	})
})

it('compares no file that is too large or has too many lines', () => {
	const { maxFileBytes, maxFileLines } = MERGE_LIMITS
	const lines = (count: number) => new Uint8Array(count).fill(10)
	expect([new Uint8Array(maxFileBytes), lines(maxFileLines)].map(isMergeable)).toEqual([true, true])
	expect([new Uint8Array(maxFileBytes + 1), lines(maxFileLines + 1)].map(isMergeable)).toEqual([false, false])
})
