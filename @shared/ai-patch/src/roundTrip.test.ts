import { PatchSet } from '@shared/contracts'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { patchSetFromDiff } from './fromDiff.ts'
import { applyToTree } from './testing/applyToTree.ts'
import { arbitraryChange } from './testing/arbitraryChange.ts'
import { bytesOf, createGitRepository, type GitRepository, readFrom, type Tree } from './testing/gitRepository.ts'
import { patchSetToDiff } from './toDiff.ts'

let repository: GitRepository
beforeAll(() => {
	repository = createGitRepository()
})
afterAll(() => repository.remove())

function plain(tree: Tree): [path: string, mode: string, bytes: string][] {
	const rows = [...tree].map(([path, file]): [string, string, string] => [path, file.mode, Buffer.from(bytesOf(file)).toString('latin1')])
	return rows.sort(([a], [b]) => (a < b ? -1 : 1))
}

it('carries every change of text files that git can see, byte for byte, both ways', { timeout: 120_000 }, async () => {
	const seen = new Set<string>()
	let fileCount = 0
	await fc.assert(
		fc.asyncProperty(arbitraryChange(16), async ({ before, after }) => {
			const base = repository.store(before)
			const result = repository.store(after)
			const made = await patchSetFromDiff({
				...repository.diffFrom(base),
				readBase: readFrom(before),
				taskId: 'TSK-000000000000',
				provider: 'codex',
				model: 'm',
			})
			const set = PatchSet.parse(JSON.parse(JSON.stringify(PatchSet.parse({
				patch_set_id: 'PST-0000000000000000',
				task_id: 'TSK-000000000000',
				execution_id: 'EXE-0000000000000000',
				base_commit: base,
				summary: '',
				metadata: { provider: 'codex' },
				...made,
			}))))
			expect(plain(await applyToTree(before, set))).toEqual(plain(after))
			const options = fileCount % 2 === 0 ? {} : { readBaseMode: async (path: string) => before.get(path)?.mode ?? null }
			expect(repository.applyDiff(base, await patchSetToDiff(set, readFrom(before), options))).toBe(result)
			fileCount += set.files.length
			for (const { change } of set.files) seen.add(change)
			for (const { operation } of set.patches) seen.add(operation)
		}),
		{ numRuns: 60 },
	)
	// The generator is worth something only if all of these came up.
	expect([...seen].sort()).toEqual([
		'append', 'create', 'delete', 'insert-after', 'insert-before', 'mode', 'modify', 'rename', 'replace-block',
	])
	expect(fileCount).toBeGreaterThan(200)
})
