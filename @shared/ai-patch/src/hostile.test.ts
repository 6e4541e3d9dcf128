import { type AIPatch, AppError, type FileChange, PatchSet } from '@shared/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyPatchSet } from './apply.ts'
import { forecastCollisions } from './collisions.ts'
import { blobId } from './gitObjects.ts'
import { patchSetFromPatches } from './handWritten.ts'
import { landPatchSet, revertPatchSet } from './landing/landPatchSet.ts'
import { readFrom, treeOf } from './testing/gitRepository.ts'
import { modify, patchSet, replaceBlock } from './testing/patchSet.ts'
import { encodeText } from './text.ts'
import { patchSetToDiff } from './toDiff.ts'

const BASE = 'a\nb\nc\n'
const base = treeOf({ f: BASE, g: 'x', 'd/e': '\ufeff1\r\n', binary: new Uint8Array([0, 255, 254]), empty: '' })
const current = treeOf({ f: 'a\nB\nc\n', g: 'x', d: 'now a file', binary: new Uint8Array([255]), other: 'o\n' })

const number = fc.oneof(fc.constantFrom(1, 2, 3, 4, 0, -1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, Number.MAX_VALUE, -0), fc.integer(), fc.double())
const block = fc.oneof(fc.constantFrom('', 'x\n', 'x', '\r', '\0', '\ud83d', '\udc00\n', '<<<<<<< a\n', '\ufeff', '--- a\n'), fc.string({ unit: 'binary', maxLength: 20 }))
const path = fc.oneof(
	{ weight: 5, arbitrary: fc.constantFrom('f', 'g', 'd/e', 'binary', 'empty', 'new', 'new/er') },
	{
		weight: 2,
		arbitrary: fc.constantFrom(
			...['../f', '/etc/passwd', 'a/../../f', '.git/config', '.GIT/hooks/x', 'git~1/config', '.git\u200c/config', 'C:\\x', '..\\f', 'a//b', 'f/', './f', ''],
			...['\ud800', 'a\0b', '__proto__', 'constructor', 'a/'.repeat(200), 'n'.repeat(5000), '.git::$INDEX_ALLOCATION/x', 'd', 'f/g'],
		),
	},
	{ weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }) },
)
const common = { task_id: fc.constant('t'), file: path, block, metadata: fc.constant({ provider: 'p' }) }
const operation: fc.Arbitrary<AIPatch> = fc.oneof(
	fc.record({ ...common, operation: fc.constant('replace-block' as const), start: number, end: number }),
	fc.record({ ...common, operation: fc.constantFrom('insert-before' as const, 'insert-after' as const), line: number }),
	fc.record({ ...common, operation: fc.constant('append' as const) }),
)

const known = await Promise.all([...base.values(), ...current.values()].map(({ content }) => blobId(typeof content === 'string' ? encodeText(content) : content)))
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

/** Everything that takes a set, and what it may answer: a result, or an AppError. */
async function meet(set: PatchSet): Promise<string[]> {
	const branch = { readBase: readFrom(base), readCurrent: readFrom(current) }
	const doors = [
		() => applyPatchSet(set, branch.readBase),
		() => landPatchSet(set, branch),
		() => revertPatchSet(set, branch),
		() => patchSetToDiff(set, branch.readBase),
		() => forecastCollisions([set, { ...set, patch_set_id: 'other' }]),
		() => patchSetFromPatches(set.patches, branch),
	]
	const answers: string[] = []
	for (const door of doors) {
		const error = await door().then(() => null, (reason: unknown) => reason)
		if (error !== null && !(error instanceof AppError)) throw error
		answers.push(error === null ? 'ok' : error.code)
	}
	return answers
}

describe('hostile patch sets', () => {
	it('are answered with a result or an AppError, whatever is in them', async () => {
		const seen = new Set<string>()
		await fc.assert(
			fc.asyncProperty(fc.array(file, { maxLength: 4 }), fc.array(operation, { maxLength: 5 }), async (files, patches) => {
				for (const answer of await meet(patchSet(files, patches))) seen.add(answer)
			}),
			{ numRuns: 3000, seed: 7 },
		)
		for (const code of ['ok', 'PATCH_INVALID', 'PATCH_POLICY', 'PATCH_STALE', 'PATCH_BINARY_UNSUPPORTED']) expect([...seen]).toContain(code)
	}, 60_000)

	it('that fit their base but for the numbers are answered the same way', async () => {
		const sound = await modify('f', { from: BASE, to: 'a\nx\nc\n' })
		const onF = operation.map((each) => ({ ...each, file: 'f' }))
		const seen = new Set<string>()
		await fc.assert(
			fc.asyncProperty(fc.array(onF, { minLength: 1, maxLength: 4 }), async (patches) => {
				for (const answer of await meet(patchSet([sound], patches))) seen.add(answer)
			}),
			{ numRuns: 2000, seed: 8 },
		)
		expect([...seen].sort()).toEqual(expect.arrayContaining(['PATCH_CORRUPT', 'PATCH_INVALID', 'ok']))
	}, 60_000)

	it('that are no set at all do not come past the schema', () => {
		const sound = patchSet([], [])
		const wrong = [null, [], 'x', { ...sound, files: {} }, { ...sound, patches: [null] }, { ...sound, patches: [{ ...replaceBlock('f', [1, 1], 'x'), start: '1' }] }, { ...sound, extra: 1 }]
		for (const each of wrong) expect(PatchSet.safeParse(each).success).toBe(false)
		expect(PatchSet.safeParse({ ...sound, patches: [replaceBlock('f', [Number.NaN, 1], 'x')] }).success).toBe(false)
	})

	it('of a million operations land on a file that moved on', async () => {
		const count = 1_000_000
		const from = 'x\n'.repeat(count)
		const to = 'y\n'.repeat(count)
		const patches = Array.from({ length: count }, (_, at) => replaceBlock('f', [count - at, count - at], 'y\n'))
		const set = patchSet([await modify('f', { from, to })], patches)
		const landing = landPatchSet(set, { readBase: async () => encodeText(from), readCurrent: async () => encodeText(`${from}later\n`) })
		await expect(landing).rejects.toMatchObject({ code: 'PATCH_CONFLICT' })
	}, 120_000)
})
