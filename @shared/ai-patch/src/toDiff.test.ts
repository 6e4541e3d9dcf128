import type { AIPatch } from '@shared/contracts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyOperations } from './applyOperations.ts'
import { blobId } from './gitObjects.ts'
import { splitLines } from './lines.ts'
import { createGitRepository, type GitRepository, readFrom, type Tree, treeOf } from './testing/gitRepository.ts'
import { append, insertAfter, insertBefore, modify, patchSet, replaceBlock } from './testing/patchSet.ts'
import { patchSetToDiff } from './toDiff.ts'

let repository: GitRepository
beforeAll(() => {
	repository = createGitRepository()
})
afterAll(() => repository.remove())

describe('patchSetToDiff', () => {
	it('looks like git', async () => {
		const base = treeOf({ 'a b': '1\n2\n3\n4\n5\n6' })
		const set = patchSet([await modify('a b', { from: '1\n2\n3\n4\n5\n6', to: '1\n2\n3\n4\nfive\n6' })], [replaceBlock('a b', [5, 5], 'five\n')])
		expect(await patchSetToDiff(set, readFrom(base), { readBaseMode: async () => '100644' })).toBe(
			`diff --git a/a b b/a b
index ${set.files[0]?.base_blob}..${set.files[0]?.result_blob}
--- a/a b\t
+++ b/a b\t
@@ -2,5 +2,5 @@
 2
 3
 4
-5
+five
 6
\\ No newline at end of file
`,
		)
	})

	it('refuses a set that does not fit its base', async () => {
		const set = patchSet([await modify('f', { from: 'a\n', to: 'b\n' })], [replaceBlock('f', [1, 1], 'c\n')])
		await expect(patchSetToDiff(set, readFrom(treeOf({ f: 'a\n' })))).rejects.toMatchObject({ code: 'PATCH_CORRUPT' })
		await expect(patchSetToDiff(set, readFrom(treeOf({ f: 'x\n' })))).rejects.toMatchObject({ code: 'PATCH_STALE' })
	})

	it('writes the delete of a binary file so that git takes it', async () => {
		const base = treeOf({ f: Uint8Array.of(0, 255, 10), keep: 'a\n' })
		const id = await blobId(Uint8Array.of(0, 255, 10))
		const diff = await patchSetToDiff(patchSet([{ path: 'f', change: 'delete', mode: '100644', base_blob: id, result_blob: null }]), readFrom(base))
		const before = repository.store(base)
		expect(repository.applyDiff(before, diff)).toBe(repository.store(treeOf({ keep: 'a\n' })))
	})

	// Blocks without a terminator run into their neighbours, which a diff has to show as changed lines.
	it('writes what any operations do, also those that no diff would give', { timeout: 60_000 }, async () => {
		const block = fc.constantFrom('', 'x\n', 'open', 'y\nopen', '\r\n', '\n')
		const step = fc.tuple(fc.constantFrom('keep', 'keep', 'keep', 'replace', 'long', 'before', 'after', 'append'), block)
		const file = fc.record({ steps: fc.array(step, { maxLength: 20 }), last: fc.constantFrom('', '', 'last', '\r') })
		await fc.assert(
			fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 20, size: 'max' }), async (all) => {
				const before: Tree = new Map()
				const after: Tree = new Map()
				const set = patchSet([])
				for (const [index, { steps, last }] of all.entries()) {
					const path = `f${index}`
					const from = Array.from({ length: steps.length }, (_, at) => `${at % 4}\n`).join('') + last
					const operations = operationsOf(path, { steps, lineCount: splitLines(from).length })
					const to = applyOperations(from, operations)
					before.set(path, { content: from, mode: '100644' })
					after.set(path, { content: to, mode: '100644' })
					if (operations.length > 0) set.files.push(await modify(path, { from, to }))
					set.patches.push(...operations)
				}
				const base = repository.store(before)
				const options = all.length % 2 === 0 ? {} : { readBaseMode: async () => '100644' as const }
				expect(repository.applyDiff(base, await patchSetToDiff(set, readFrom(before), options))).toBe(repository.store(after))
			}),
			{ numRuns: 40 },
		)
	})
})

function operationsOf(path: string, { steps, lineCount }: { steps: [string, string][]; lineCount: number }): AIPatch[] {
	const isTaken = new Set<number>()
	return steps.flatMap(([kind, text], index): AIPatch[] => {
		const line = index + 1
		if (kind === 'append') return [append(path, text)]
		if (isTaken.has(line)) return []
		if (kind === 'replace') return [replaceBlock(path, [line, line], text)]
		if (kind === 'long' && line < lineCount) {
			isTaken.add(line + 1)
			return [replaceBlock(path, [line, line + 1], text)]
		}
		if (kind === 'before') return [insertBefore(path, line, text)]
		return kind === 'after' ? [insertAfter(path, line, text)] : []
	})
}
