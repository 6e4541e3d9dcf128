import { type FileChange, PatchSet } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { blameLines } from './blame.ts'
import { forecastCollisions } from './collisions/forecastCollisions.ts'
import { patchSetFromDiff } from './fromDiff.ts'
import { blobId } from './gitObjects.ts'
import { patchSetFromPatches } from './handWritten.ts'
import { landPatchSet } from './landing/landPatchSet.ts'
import { answerOf } from './testing/doors.ts'
import { append, insertAfter, modify, patchSet, replaceBlock } from './testing/patchSet.ts'
import { encodeText } from './text.ts'

// Each of these would take minutes or gigabytes if anything in its way grew with the square of it.
const MANY = 1_000_000
const text = 'x\n'.repeat(MANY)
const numbers = Array.from({ length: MANY }, (_, at) => at + 1)

describe('a million', { timeout: 120_000 }, () => {
	it('operations, last line first, land on a file that moved on, past the schema', async () => {
		const set = patchSet([await modify('f', { from: text, to: 'y\n'.repeat(MANY) })], numbers.map((line) => replaceBlock('f', [MANY + 1 - line, MANY + 1 - line], 'y\n')))
		const landing = landPatchSet(PatchSet.parse(set), { readBase: async () => encodeText(text), readCurrent: async () => encodeText(`${text}later\n`) })
		await expect(landing).rejects.toMatchObject({ code: 'PATCH_CONFLICT' })
	})

	it('operations of which two overlap are refused', async () => {
		const set = patchSet([await modify('f', { from: text, to: text })], numbers.map((line) => replaceBlock('f', [line, Math.min(MANY, line + 1)], 'y\n')))
		expect(await answerOf(() => landPatchSet(set, { readBase: async () => encodeText(text), readCurrent: async () => null }))).toBe('PATCH_INVALID')
	})

	it('operations by hand, each to be given its terminator', async () => {
		const made = await patchSetFromPatches(numbers.map((line) => insertAfter('f', line, 'y')), { readBase: async () => encodeText(text), readBaseMode: async () => null })
		expect(made.files).toMatchObject([{ result_blob: await blobId(encodeText('x\ny\n'.repeat(MANY).slice(0, -1))) }])
	})

	it('lines in a diff', async () => {
		const after = 'y\n'.repeat(MANY)
		const [old, result] = [await blobId(encodeText(text)), await blobId(encodeText(after))]
		const diff = `diff --git a/f b/f\nindex ${old}..${result} 100644\n--- a/f\n+++ b/f\n@@ -1,${MANY} +1,${MANY} @@\n${'-x\n'.repeat(MANY)}${'+y\n'.repeat(MANY)}`
		const raw = `:100644 100644 ${old} ${result} M\0f\0`
		const made = await patchSetFromDiff({ raw: encodeText(raw), diff: encodeText(diff), readBase: async () => encodeText(text), taskId: 't', provider: 'p' })
		expect(made.patches).toMatchObject([{ operation: 'replace-block', start: 1, end: MANY }])
	})

	it('operations meet a million others', async () => {
		const set = (id: string, isOdd: boolean): PatchSet => {
			const file: FileChange = { path: 'f', change: 'modify', mode: '100644', base_blob: 'a'.repeat(40), result_blob: (isOdd ? 'b' : 'c').repeat(40) }
			return { ...patchSet([file], numbers.map((at) => replaceBlock('f', [4 * at + (isOdd ? 2 : 0), 4 * at + (isOdd ? 2 : 0)], 'y\n'))), patch_set_id: id }
		}
		expect(await forecastCollisions([set('one', true), set('two', false)])).toEqual([])
	})
})

describe('forecastCollisions', { timeout: 120_000 }, () => {
	const change = (at: number, base: string): FileChange => ({ path: 'f', change: 'modify', mode: '100644', base_blob: base, result_blob: at.toString(16).padStart(40, '0') })
	const sets = (count: number, base: (at: number) => string, line: (at: number) => number) =>
		Array.from({ length: count }, (_, at): PatchSet => ({ ...patchSet([change(at, base(at))], [replaceBlock('f', [line(at), line(at)], 'y\n')]), patch_set_id: String(at) }))
	const shared = () => 'a'.repeat(40)

	it('looks through five thousand sets on one file', async () => {
		const found = await forecastCollisions(sets(5000, shared, (at) => (at === 4999 ? 1 : 3 * at + 1)))
		expect(found).toMatchObject([{ patchSetIds: ['0', '4999'], kind: 'overlap' }])
	})

	it('refuses to list what is too much, and never leaves anything out', async () => {
		expect(await forecastCollisions(sets(140, shared, () => 1))).toHaveLength((140 * 139) / 2)
		expect(await answerOf(() => forecastCollisions(sets(5000, shared, () => 1)))).toBe('PATCH_TOO_LARGE')
		expect(await answerOf(() => forecastCollisions(sets(5000, (at) => `f${at}`.padStart(40, '0'), (at) => 3 * at + 1)))).toBe('PATCH_TOO_LARGE')
	})

	it('compares a bounded number of bases, and takes the others for unknown', async () => {
		const bases = Array.from({ length: 60 }, (_, at) => `${'x\n'.repeat(at)}${'l\n'.repeat(500)}`)
		const ids = await Promise.all(bases.map((base) => blobId(encodeText(base))))
		let reads = 0
		const readBlob = async (id: string) => {
			reads += 1
			return encodeText(bases[ids.indexOf(id)] ?? '')
		}
		const found = await forecastCollisions(sets(60, (at) => ids[at] ?? '', (at) => at + 8 * at + 1), { readBlob })
		expect(found.some(({ isCertain }) => !isCertain)).toBe(true)
		expect(reads).toBeLessThan(2200)
	})
})

describe('many files', { timeout: 120_000 }, () => {
	it('land one after the other, each base let go of when its turn is over', async () => {
		const count = 10_000
		const [from, to] = ['a\n'.repeat(50), `${'a\n'.repeat(50)}z\n`]
		const sound = await modify('f', { from, to })
		const set = patchSet(numbers.slice(0, count).map((at) => ({ ...sound, path: `f${at}` })), numbers.slice(0, count).map((at) => append(`f${at}`, 'z\n')))
		const landed = await landPatchSet(set, { readBase: async () => encodeText(from), readCurrent: async () => encodeText(`first\n${from}`) })
		expect(landed).toHaveLength(count)
		expect(new Set(landed.map(({ blob }) => blob))).toEqual(new Set([await blobId(encodeText(`first\n${to}`))]))
	})
})

it('blameLines takes a long history of a file that is all new each time, step by step', { timeout: 120_000 }, async () => {
	const version = (step: number) => Array.from({ length: 1000 }, (_, at) => `step ${step} line ${at}\n`).join('')
	async function* steps() {
		for (let at = 0; at < 600; at += 1) yield { patchSetId: String(at), base: version(at), result: version(at + 1) }
	}
	expect(new Set(await blameLines(steps()))).toEqual(new Set(['599']))
})
