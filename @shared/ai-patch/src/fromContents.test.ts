import type { FileMode } from '@shared/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyPatchSet } from './apply.ts'
import { patchSetFromContents } from './fromContents.ts'
import { readFrom, treeOf } from './testing/gitRepository.ts'
import { patchSet } from './testing/patchSet.ts'
import { encodeText } from './text.ts'

const BY = { taskId: 'TSK-1', provider: 'test' }
const file = (before: string | null, after: string | null, more: { from?: string; modeBefore?: FileMode; mode?: FileMode } = {}) => ({
	path: 'f',
	before: before === null ? null : encodeText(before),
	after: after === null ? null : encodeText(after),
	modeBefore: before === null ? null : ('100644' as const),
	mode: '100644' as const,
	...more,
})

describe('patchSetFromContents', () => {
	it('gives back every pair of texts', async () => {
		const text = fc.array(fc.constantFrom('a\n', 'b\n', '\n', '}\r\n', 'é\n', 'last'), { maxLength: 12 }).map((lines) => lines.join(''))
		await fc.assert(
			fc.asyncProperty(text, text, async (before, after) => {
				const { files, patches } = await patchSetFromContents([file(before, after)], BY)
				if (before === after) expect(files).toEqual([])
				if (before === after) return
				const [applied] = await applyPatchSet(patchSet(files, patches), readFrom(treeOf({ f: before })))
				expect(applied?.content).toEqual(encodeText(after))
			}),
		)
	})

	it.each([
		['create', file(null, 'x\n'), { change: 'create', base_blob: null }, 1],
		['an empty file', file(null, ''), { change: 'create' }, 0],
		['delete', file('x\n', null), { change: 'delete', result_blob: null }, 0],
		['mode', file('x\n', 'x\n', { mode: '100755' }), { change: 'mode', mode: '100755' }, 0],
		['rename', file('x\n', 'x\n', { from: 'g' }), { change: 'rename', from: 'g' }, 0],
		['rename and edit', file('x\n', 'y\n', { from: 'g' }), { change: 'rename', from: 'g' }, 1],
	])('knows a %s', async (_, contents, change, operations) => {
		const { files, patches } = await patchSetFromContents([contents], BY)
		expect(files).toMatchObject([change])
		expect(patches).toHaveLength(operations)
	})

	it('refuses what is not text, by name', async () => {
		const binary = { ...file('x\n', null), after: new Uint8Array([0, 255]) }
		await expect(patchSetFromContents([binary], BY)).rejects.toMatchObject({ code: 'PATCH_BINARY_UNSUPPORTED', details: { files: [{ path: 'f' }] } })
	})
})
