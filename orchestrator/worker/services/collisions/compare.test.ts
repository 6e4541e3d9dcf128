import { AppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { compareFootprints, compareSets, isBefore, isWorthWaiting } from './compare.ts'
import type { Meeting } from './compare.ts'
import { append, BASE, insertAfter, OTHER_BASE, replace, setOf } from './testing/sets.ts'

type Touch = Parameters<typeof compareFootprints>[0]
const touch = (ranges: Touch['ranges'], more: Partial<Touch> = {}): Touch => ({ path: 'f', source: 'observed', baseCommit: BASE, ranges, ...more })
const noBlobs = async () => null

describe('compareFootprints', () => {
	it.each<[name: string, first: Touch, second: Touch, expected: Partial<Meeting> | null]>([
		['lines of one base', touch([[1, 3]]), touch([[3, 5]]), { kind: 'overlap', ranges: [[3, 3]], isCertain: true }],
		['lines of one base that touch', touch([[1, 3]]), touch([[4, 5]]), { kind: 'adjacent', isCertain: true }],
		['lines of one base that are apart', touch([[1, 3]]), touch([[9, 9]]), null],
		['lines of different bases', touch([[1, 3]]), touch([[90, 95]], { baseCommit: OTHER_BASE }), { kind: 'overlap', ranges: [[1, 3]], isCertain: false }],
		['lines of bases that nobody knows', touch([[1, 3]], { baseCommit: null }), touch([[90, 95]], { baseCommit: null }), { kind: 'overlap', isCertain: false }],
		['a whole file, whatever the base', touch([], { source: 'declared', baseCommit: null }), touch([[90, 95]]), { kind: 'overlap', ranges: [], isCertain: true }],
		['two new files', touch([[1, 0]]), touch([[1, 0]]), { kind: 'overlap', isCertain: true }],
		['a guess', touch([], { source: 'guessed' }), touch([[1, 3]], { source: 'patch-set' }), { kind: 'mentioned', ranges: [], isCertain: false }],
	])('%s', (_name, first, second, expected) => {
		const met = compareFootprints(first, second)
		if (expected === null) expect(met).toBeNull()
		else expect(met).toMatchObject({ path: 'f', ...expected })
		expect(compareFootprints(second, first)?.kind).toBe(expected?.kind)
	})
})

describe('compareSets', () => {
	const deleted = setOf({ id: '2', files: [{ path: 'f', change: 'delete', mode: '100644', base_blob: BASE, result_blob: null }] })
	const renamed = setOf({ id: '2', files: [{ path: 'g', from: 'f', change: 'rename', mode: '100644', base_blob: BASE, result_blob: BASE }] })
	const edited = setOf({ patches: [replace(2, 4)] })
	it.each([
		['the same lines', setOf({ id: '2', patches: [replace(4, 6)] }), [{ kind: 'overlap', ranges: [[4, 4]], isCertain: true }]],
		['lines that touch', setOf({ id: '2', patches: [insertAfter(4)] }), [{ kind: 'adjacent', ranges: [[5, 4]] }]],
		['lines apart', setOf({ id: '2', patches: [append()] }), []],
		['a delete', deleted, [{ kind: 'delete-modify', path: 'f', ranges: [] }]],
		['a rename', renamed, [{ kind: 'rename', path: 'f', ranges: [] }]],
		['the same change', { ...edited, patch_set_id: 'PST-2' }, []],
	])('%s', async (_name, other, expected) => {
		const meetings = await compareSets([edited, other], noBlobs)
		expect(meetings).toMatchObject(expected)
		expect(meetings).toHaveLength(expected.length)
	})

	it('says nothing of a set that contradicts itself', async () => {
		expect(await compareSets([edited, setOf({ id: '2' })], noBlobs)).toBeNull()
		expect(await compareSets([edited, setOf({ id: '2', files: [{ path: '../f', change: 'delete', mode: '100644', base_blob: BASE, result_blob: null }] })], noBlobs)).toBeNull()
	})

	it('does not hide what is no refusal', async () => {
		const other = setOf({ id: '2', files: [{ path: 'f', change: 'modify', mode: '100644', base_blob: OTHER_BASE, result_blob: 'd'.repeat(40) }], patches: [replace(1, 1)] })
		await expect(compareSets([edited, other], async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
		expect(await compareSets([edited, other], async () => Promise.reject(new AppError('GIT_UPSTREAM', 'gone')))).toBeNull()
	})
})

describe('who waits', () => {
	it('goes by time, then by id: one of two is always the first', () => {
		const subjects = [{ since: 1, subjectId: 'b' }, { since: 1, subjectId: 'a' }, { since: 0, subjectId: 'z' }]
		for (const one of subjects) for (const other of subjects) if (one !== other) expect(isBefore(one, other)).toBe(!isBefore(other, one))
		expect(subjects.sort((a, b) => (isBefore(a, b) ? -1 : 1)).map(({ subjectId }) => subjectId)).toEqual(['z', 'a', 'b'])
		expect(isBefore({ since: 1, subjectId: 'a' }, { since: 1, subjectId: 'a' })).toBe(false)
	})

	it.each([
		['overlap', true, true], ['delete-modify', true, true], ['add-add', true, true], ['rename', true, true],
		['adjacent', true, false], ['overlap', false, false], ['mentioned', false, false],
	] as const)('%s (certain: %s) is worth waiting for: %s', (kind, isCertain, expected) => {
		expect(isWorthWaiting({ path: 'f', kind, ranges: [], isCertain })).toBe(expected)
	})
})
