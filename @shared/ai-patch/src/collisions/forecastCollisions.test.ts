import type { AIPatch, FileChange, PatchSet } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { forecastCollisions } from './forecastCollisions.ts'
import { blobId } from '../gitObjects.ts'
import { createLineIds } from '../merge/lineIds.ts'
import { mergeText } from '../merge/mergeText.ts'
import { readDown } from '../merge/readings.ts'
import { append, insertAfter, insertBefore, patchSet, replaceBlock } from '../testing/patchSet.ts'
import { createRandom } from '../testing/random.ts'
import { encodeText } from '../text.ts'

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40))
const blob = (id: string | undefined) => id ?? ''

function set(id: string, file: Partial<FileChange> & { change: FileChange['change'] }, patches: AIPatch[] = []): PatchSet {
	const blobs = { base_blob: file.change === 'create' ? null : blob(A), result_blob: file.change === 'delete' ? null : blob(id === 'one' ? B : C) }
	return { ...patchSet([{ path: 'f', mode: '100644', ...blobs, ...file }], patches), patch_set_id: id }
}

const edit = (id: string, ...patches: AIPatch[]) => set(id, { change: 'modify' }, patches)
const replaced = (start: number, end: number) => replaceBlock('f', [start, end], 'x\n')

describe('forecastCollisions', () => {
	it.each<[name: string, first: PatchSet, second: PatchSet, expected: object[]]>([
		['lines in common', edit('one', replaced(2, 5)), edit('two', replaced(4, 8)), [{ kind: 'overlap', ranges: [{ start: 4, end: 5 }] }]],
		['lines that touch', edit('one', replaced(2, 3)), edit('two', replaced(4, 4)), [{ kind: 'adjacent', ranges: [{ start: 4, end: 3 }] }]],
		['one line between', edit('one', replaced(2, 3)), edit('two', replaced(5, 5)), []],
		['two insertions at a place', edit('one', insertAfter('f', 2, 'x\n')), edit('two', insertAfter('f', 2, 'y\n')), [{ kind: 'overlap', ranges: [{ start: 3, end: 2 }] }]],
		['insertion in replaced lines', edit('one', replaced(2, 5)), edit('two', insertAfter('f', 3, 'y\n')), [{ kind: 'overlap' }]],
		['insertion at their edge', edit('one', replaced(2, 5)), edit('two', insertAfter('f', 5, 'y\n')), [{ kind: 'adjacent' }]],
		['two appends', edit('one', append('f', 'x\n')), edit('two', append('f', 'y\n')), [{ kind: 'overlap' }]],
		['several places', edit('one', replaced(1, 1), replaced(9, 9)), edit('two', replaced(1, 1), replaced(5, 5), replaced(9, 9)), [{ ranges: [{ start: 1, end: 1 }, { start: 9, end: 9 }] }]],
		['delete and edit', set('one', { change: 'delete' }), edit('two', replaced(1, 1)), [{ kind: 'delete-modify', file: 'f' }]],
		['delete twice', set('one', { change: 'delete' }), set('two', { change: 'delete' }), []],
		['two files of a name', set('one', { change: 'create' }), set('two', { change: 'create' }), [{ kind: 'add-add' }]],
		['one file twice', set('one', { change: 'create', result_blob: blob(B) }), set('two', { change: 'create', result_blob: blob(B) }), []],
		['rename and edit', set('one', { change: 'rename', path: 'g', from: 'f' }), edit('two', replaced(1, 1)), [{ kind: 'rename', file: 'f' }]],
		['two names for one file', set('one', { change: 'rename', path: 'g', from: 'f' }), set('two', { change: 'rename', path: 'h', from: 'f' }), [{ kind: 'rename' }]],
		['two files to one name', set('one', { change: 'rename', path: 'f', from: 'g' }), set('two', { change: 'rename', path: 'f', from: 'h' }), [{ kind: 'rename' }]],
		['mode and edit', set('one', { change: 'mode', result_blob: blob(A) }), edit('two', replaced(1, 1)), []],
		['a set made on the result of the other', edit('one', replaced(1, 1)), set('two', { change: 'modify', base_blob: blob(B) }, [replaced(1, 1)]), []],
		['the other made on the result of this one', set('one', { change: 'modify', base_blob: blob(C) }, [replaced(1, 1)]), edit('two', replaced(1, 1)), []],
		['mode and delete', set('one', { change: 'mode', result_blob: blob(A) }), set('two', { change: 'delete' }), [{ kind: 'delete-modify', file: 'f' }]],
		['replaced lines and an insertion behind them, twice', edit('one', replaced(1, 3), insertAfter('f', 3, 'x\n')), edit('two', insertAfter('f', 3, 'y\n'), replaced(4, 5)), [{ kind: 'overlap' }]],
		['a file and a directory of a name', set('one', { change: 'create', path: 'd' }), set('two', { change: 'create', path: 'd/e/f' }), [{ kind: 'add-add', file: 'd' }]],
		['a directory and a file of a name', set('one', { change: 'rename', path: 'd/e', from: 'g' }), set('two', { change: 'create', path: 'd' }), [{ kind: 'add-add', file: 'd' }]],
		['two files of a directory', set('one', { change: 'create', path: 'd/a' }), set('two', { change: 'create', path: 'd/b' }), []],
		['bases that nobody knows', edit('one', replaced(1, 1)), set('two', { change: 'modify', base_blob: blob(D) }, [replaced(9, 9)]), [{ kind: 'overlap', isCertain: false }]],
		['other files', edit('one', replaced(1, 1)), set('two', { change: 'delete', path: 'g' }), []],
	])('%s', async (_, first, second, expected) => {
		const found = await forecastCollisions([first, second])
		expect(found).toMatchObject(expected)
		expect(found).toHaveLength(expected.length)
		for (const { patchSetIds } of found) expect(patchSetIds).toEqual(['one', 'two'])
	})

	it('compares lines of different bases where it can read them', async () => {
		const [old, now] = ['1\n2\n3\n4\n5\n6\n7\n', 'new\nlines\n1\n2\n3\n4\n5\n6\n7\n']
		const [oldId, nowId] = [await blobId(encodeText(old)), await blobId(encodeText(now))]
		const readBlob = async (id: string) => encodeText(id === oldId ? old : now)
		const first = set('one', { change: 'modify', base_blob: oldId }, [replaced(4, 4)])
		const at = (line: number) => set('two', { change: 'modify', base_blob: nowId }, [replaced(line, line)])
		expect(await forecastCollisions([first, at(6)], { readBlob })).toMatchObject([{ kind: 'overlap', ranges: [{ start: 4, end: 4 }], isCertain: true }])
		expect(await forecastCollisions([first, at(4)], { readBlob })).toEqual([])
	})

	it('lists pairs in the order of the sets, however they were found', async () => {
		const sets = [edit('one', replaced(1, 1)), set('two', { change: 'delete' }), { ...edit('three', replaced(1, 1)), patch_set_id: 'three' }, set('four', { change: 'modify', base_blob: blob(D) }, [replaced(1, 1)])]
		const distinct = sets.map((each, at) => ({ ...each, files: each.files.map((file) => (file.result_blob === null ? file : { ...file, result_blob: String(at).repeat(40) })) }))
		const found = await forecastCollisions(distinct)
		expect(found.map(({ patchSetIds }) => patchSetIds.join(' '))).toEqual(['one two', 'one three', 'two three', 'one four', 'two four', 'three four'])
	})

	it('compares many sets as it compares two', async () => {
		const random = createRandom(6)
		const sets = Array.from({ length: 40 }, (_, at) => {
			const patches = Array.from({ length: 1 + random.below(4) }, () => {
				const line = 1 + random.below(60)
				return random.pick([replaced(line, line + random.below(4)), insertAfter('f', line, 'x\n'), insertBefore('f', line, 'x\n'), append('f', 'x\n')])
			})
			return { ...set(`s${at}`, { change: 'modify', result_blob: String(at).padStart(40, '0'), base_blob: blob(at % 3 === 0 ? D : A) }, patches) }
		})
		const pairs = []
		for (const [at, second] of sets.entries()) for (const first of sets.slice(0, at)) pairs.push(...(await forecastCollisions([first, second])))
		expect(pairs.length).toBeGreaterThan(100)
		expect(await forecastCollisions(sets)).toEqual(pairs)
	})

	it('foretells what the merge says, for lines that are all different', async () => {
		const random = createRandom(11)
		const seen = { clean: 0, conflict: 0 }
		for (let run = 0; run < 300; run += 1) {
			const base = Array.from({ length: 3 + random.below(12) }, (_, at) => `base ${at}\n`)
			const edited = (side: string) => base.flatMap((line, at) => (random.chance(0.8) ? [line] : random.pick([[], [`${side} ${at}\n`], [line, `${side} ${at}\n`]])))
			const [ours, theirs] = [edited('ours'), edited('theirs')]
			const merged = mergeText({ base, ours, theirs })
			const sets = [edit('one', ...operations(base, ours)), edit('two', ...operations(base, theirs))].filter(({ patches }) => patches.length > 0)
			const found = await forecastCollisions(sets, { readBlob: async () => encodeText(base.join('')) })
			// Lines that both deleted are the one change that two sides here can have in common.
			if (found.length === 0) expect(merged.kind, JSON.stringify({ base, ours, theirs })).toBe('clean')
			if (merged.kind === 'conflict') expect(found).toHaveLength(1)
			seen[merged.kind] += 1
		}
		expect(Math.min(seen.clean, seen.conflict)).toBeGreaterThan(40)
	})
})

function operations(base: readonly string[], result: readonly string[]): AIPatch[] {
	const ids = createLineIds()
	return readDown(ids.of(base), ids.of(result)).hunks.map(({ aStart, aEnd, bStart, bEnd }) => {
		const block = result.slice(bStart, bEnd).join('')
		if (aEnd > aStart) return replaceBlock('f', [aStart + 1, aEnd], block)
		if (aStart === base.length) return append('f', block)
		return aStart === 0 ? insertBefore('f', 1, block) : insertAfter('f', aStart, block)
	})
}
