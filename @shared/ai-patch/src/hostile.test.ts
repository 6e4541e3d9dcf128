import { type AIPatch, type FileChange, PatchSet } from '@shared/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blobId } from './gitObjects.ts'
import { meetDoors } from './testing/doors.ts'
import { fuzzRuns } from './testing/fuzzRuns.ts'
import { bytesOf, treeOf } from './testing/gitRepository.ts'
import { FORBIDDEN_PATHS, mutated, ODD_PATHS } from './testing/hostileInput.ts'
import { append, insertAfter, insertBefore, modify, patchSet, replaceBlock } from './testing/patchSet.ts'
import { createRandom } from './testing/random.ts'
import { encodeText } from './text.ts'

const BASE = 'a\nb\nc\n'
const base = treeOf({ f: BASE, g: 'x', 'd/e': '\ufeff1\r\n', binary: new Uint8Array([0, 255, 254]), empty: '' })
const current = treeOf({ f: 'a\nB\nc\n', g: 'x', d: 'now a file', binary: new Uint8Array([255]), other: 'o\n' })
const trees = { base, current }

const number = fc.oneof(fc.constantFrom(1, 2, 3, 4, 0, -1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, Number.MAX_VALUE, -0), fc.integer(), fc.double())
const block = fc.oneof(fc.constantFrom('', 'x\n', 'x', '\r', '\0', '\ud83d', '\udc00\n', '<<<<<<< a\n', '\ufeff', '--- a\n'), fc.string({ unit: 'binary', maxLength: 20 }))
const path = fc.oneof(
	{ weight: 6, arbitrary: fc.constantFrom('f', 'g', 'd/e', 'binary', 'empty', 'new', 'new/er', 'd', 'f/g', '') },
	{ weight: 1, arbitrary: fc.constantFrom(...FORBIDDEN_PATHS) },
	{ weight: 1, arbitrary: fc.constantFrom(...ODD_PATHS) },
	{ weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }) },
)
const common = { task_id: fc.constant('t'), file: path, block, metadata: fc.constant({ provider: 'p' }) }
const operation: fc.Arbitrary<AIPatch> = fc.oneof(
	fc.record({ ...common, operation: fc.constant('replace-block' as const), start: number, end: number }),
	fc.record({ ...common, operation: fc.constantFrom('insert-before' as const, 'insert-after' as const), line: number }),
	fc.record({ ...common, operation: fc.constant('append' as const) }),
)
const known = await Promise.all([...base.values(), ...current.values()].map((file) => blobId(bytesOf(file))))
const blob = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...known) }, fc.constant(null), fc.constantFrom('', '0'.repeat(40), 'not an id'))
const file: fc.Arbitrary<FileChange> = fc.record(
	{
		path,
		change: fc.constantFrom(...(['modify', 'create', 'delete', 'rename', 'mode'] as const)),
		from: path,
		mode: fc.constantFrom('100644' as const, '100755' as const),
		base_blob: blob,
		result_blob: blob,
	},
	{ requiredKeys: ['path', 'change', 'mode', 'base_blob', 'result_blob'] },
)

const id = (text: string) => blobId(encodeText(text))

/** One of every kind of change, sound from end to end. */
async function soundSet(): Promise<PatchSet> {
	const files: FileChange[] = [
		await modify('f', { from: BASE, to: 'a\nx\nc\nend' }),
		{ path: 'new', change: 'create', mode: '100755', base_blob: null, result_blob: await id('n\n') },
		{ path: 'moved', from: 'd/e', change: 'rename', mode: '100644', base_blob: await id('\ufeff1\r\n'), result_blob: await id('0\n\ufeff1\r\n') },
		{ path: 'g', change: 'delete', mode: '100644', base_blob: await id('x'), result_blob: null },
		{ path: 'empty', change: 'mode', mode: '100755', base_blob: await id(''), result_blob: await id('') },
	]
	return patchSet(files, [replaceBlock('f', [2, 2], 'x\n'), append('f', 'end'), append('new', 'n\n'), insertBefore('moved', 1, '0\n')])
}

describe('hostile patch sets', () => {
	it('are answered with a result or an AppError by every door, whatever is in them', { timeout: 600_000 }, async () => {
		const seen = new Set<string>()
		const property = fc.asyncProperty(fc.array(file, { maxLength: 4 }), fc.array(operation, { maxLength: 5 }), async (files, patches) => {
			for (const answer of Object.values(await meetDoors(patchSet(files, patches), trees))) seen.add(answer)
		})
		await fc.assert(property, { numRuns: fuzzRuns(3000), seed: 7 })
		for (const code of ['ok', 'PATCH_INVALID', 'PATCH_POLICY', 'PATCH_STALE', 'PATCH_BINARY_UNSUPPORTED']) expect([...seen]).toContain(code)
	})

	it('that fit their base but for the numbers are answered the same way', { timeout: 600_000 }, async () => {
		const sound = await modify('f', { from: BASE, to: 'a\nx\nc\n' })
		const onF = operation.map((each) => ({ ...each, file: 'f' }))
		const seen = new Set<string>()
		const property = fc.asyncProperty(fc.array(onF, { minLength: 1, maxLength: 4 }), async (patches) => {
			for (const answer of Object.values(await meetDoors(patchSet([sound], patches), trees))) seen.add(answer)
		})
		await fc.assert(property, { numRuns: fuzzRuns(2000), seed: 8 })
		expect([...seen].sort()).toEqual(expect.arrayContaining(['PATCH_CORRUPT', 'PATCH_INVALID', 'ok']))
	})

	it('made from a sound one by wrong values in any field are refused by the schema, or answered the same way', { timeout: 600_000 }, async () => {
		const sound = await soundSet()
		expect(await meetDoors(sound, trees)).toMatchObject({ apply: 'ok', diff: 'ok', forecast: 'ok' })
		const random = createRandom(9)
		const tally = { refused: 0, passed: 0, applied: 0 }
		for (let run = 0; run < fuzzRuns(2500); run += 1) {
			const parsed = PatchSet.safeParse(mutated(random, sound))
			tally[parsed.success ? 'passed' : 'refused'] += 1
			if (parsed.success && (await meetDoors(parsed.data, trees))['apply'] === 'ok') tally.applied += 1
		}
		if (process.env['VIBEHQ_FUZZ_RUNS'] === undefined) expect(Math.min(tally.refused, tally.passed, tally.applied)).toBeGreaterThan(100)
	})

	it('that are no set at all do not come past the schema', () => {
		const sound = patchSet([], [])
		const wrong = [null, [], 'x', { ...sound, files: {} }, { ...sound, patches: [null] }, { ...sound, patches: [{ ...replaceBlock('f', [1, 1], 'x'), start: '1' }] }, { ...sound, extra: 1 }]
		for (const each of wrong) expect(PatchSet.safeParse(each).success).toBe(false)
		for (const line of [Number.NaN, Infinity, 1.5, 0, -1, -0, 2 ** 53, 1e308]) expect(PatchSet.safeParse({ ...sound, patches: [insertAfter('f', line, 'x')] }).success, String(line)).toBe(false)
		for (const count of [10_001, 1_000_001]) {
			const list = count === 10_001 ? { files: Array(count).fill({ path: 'f', change: 'delete', mode: '100644', base_blob: '0'.repeat(40), result_blob: null }) } : { patches: Array(count).fill(append('f', '')) }
			expect(PatchSet.safeParse({ ...sound, ...list }).success).toBe(false)
		}
	})
})

describe('paths that lead out', () => {
	it.each(FORBIDDEN_PATHS.map((each) => [each]))('%j is refused wherever it stands, before anything is read', async (each) => {
		const [before, after] = [await id(BASE), await id('moved\n')]
		const sets = [
			patchSet([{ path: each, change: 'create', mode: '100644', base_blob: null, result_blob: after }], [append(each, 'moved\n')]),
			patchSet([{ path: each, change: 'modify', mode: '100644', base_blob: before, result_blob: after }], [append(each, 'x')]),
			patchSet([{ path: each, change: 'delete', mode: '100644', base_blob: before, result_blob: null }]),
			patchSet([{ path: each, change: 'mode', mode: '100755', base_blob: before, result_blob: before }]),
			patchSet([{ path: 'to', from: each, change: 'rename', mode: '100644', base_blob: before, result_blob: before }]),
			patchSet([{ path: each, from: 'f', change: 'rename', mode: '100644', base_blob: before, result_blob: before }]),
		]
		for (const set of sets) {
			const { handWritten, ...answers } = await meetDoors(set, trees)
			expect(new Set(Object.values(answers))).toEqual(new Set(['PATCH_POLICY']))
			expect(handWritten).toBe(set.patches.length === 0 ? 'ok' : 'PATCH_POLICY')
		}
	})

	it.each(ODD_PATHS.map((each) => [each]))('%j is a name like others, and of one file only', async (each) => {
		const set = patchSet([{ path: each, change: 'create', mode: '100644', base_blob: null, result_blob: await id('x\n') }], [append(each, 'x\n')])
		expect(await meetDoors(set, trees)).toMatchObject({ apply: 'ok', land: 'ok', diff: 'ok', handWritten: 'ok' })
		const others = ODD_PATHS.filter((other) => other !== each && !other.includes('/') && !each.startsWith(`${other}/`))
		const both = patchSet([...set.files, ...others.map((other) => ({ ...set.files[0], path: other }) as FileChange)], [...set.patches, ...others.map((other) => append(other, 'x\n'))])
		expect(await meetDoors(both, trees)).toMatchObject({ apply: 'ok', land: 'ok' })
	})
})

describe('blocks', () => {
	it.each([['\ud83d'], ['a\udc00b\n'], ['\udc00\ud83d']])('%j is no Unicode text and is refused by every door', async (each) => {
		const set = patchSet([await modify('f', { from: BASE, to: `${BASE}\ufffd` })], [append('f', each)])
		expect(new Set(Object.values(await meetDoors(set, trees)))).toEqual(new Set(['PATCH_INVALID']))
	})

	it('of ten megabytes land, be they one line or a million', { timeout: 120_000 }, async () => {
		for (const each of ['x'.repeat(10_000_000), 'é'.repeat(5_000_000), 'nine char\n'.repeat(1_000_000)]) {
			const set = patchSet([await modify('f', { from: BASE, to: BASE + each })], [append('f', each)])
			expect(await meetDoors(set, { base, current: treeOf({ f: `first\n${BASE}` }) })).toMatchObject({ apply: 'ok', land: 'ok', diff: 'ok', handWritten: 'ok' })
		}
	})
})
