import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BlameView, PatchSet } from '@shared/contracts'
import type { Advanced, Candidate } from '../../worker/services/patch-manager/patchProcessor.ts'
import { changeOf, cloneWorkspace, newWorkspace, randomId, startLanding } from './harness.ts'
import type { Answer, Change, Landing } from './harness.ts'

let landing: Landing
beforeAll(async () => {
	landing = await startLanding()
})
afterAll(() => landing.close())

const lines = (count: number, of = 'line') => Array.from({ length: count }, (_, at) => `${of} ${at}\n`).join('')
const write = (directory: string, path: string, content: string) => {
	mkdirSync(join(directory, path, '..'), { recursive: true })
	writeFileSync(join(directory, path), content)
}
const remove = (directory: string, path: string) => rmSync(join(directory, path), { recursive: true })
const branchOf = (change: Change) => `factory/${change.orderId}`

const subjectOf = (workspaceId: string, change: Change) => ({ subjectId: change.executionId, patchSetId: change.set.patch_set_id, workspaceId, branch: branchOf(change) })
const candidateFor = (workspaceId: string, change: Change) =>
	landing.timed<Candidate>('makeCandidate', { ...subjectOf(workspaceId, change), set: change.set })
const advance = (workspaceId: string, change: Change, candidate: Candidate) => landing.timed<Advanced>('advance', subjectOf(workspaceId, change), candidate)

/** Lands the edit and checks with git itself that the branch is exactly what git would have committed. */
async function land(at: { workspaceId: string; base: string }, edit: (directory: string) => void) {
	const change = await changeOf(landing, at, edit)
	const made = await candidateFor(at.workspaceId, change)
	expect(made.value).toMatchObject({ tree: change.tree, parent: at.base, expectedOld: null, ref: `refs/vibehq/candidates/${change.executionId}` })
	expect(made.value.tree).toBe(change.tree)
	const advanced = await advance(at.workspaceId, change, made.value)
	const clone = await cloneWorkspace(landing, at.workspaceId)
	clone.git('checkout', '-q', branchOf(change))
	expect(clone.git('rev-parse', 'HEAD', 'HEAD^{tree}', 'HEAD^').split('\n')).toEqual([made.value.commit, change.tree, at.base])
	expect(clone.git('fsck', '--strict', '--no-dangling')).toBe('')
	expect(clone.git('status', '--porcelain')).toBe('')
	expect(await landing.call('readRef', at.workspaceId, made.value.ref)).toBeNull()
	return { change, made, advanced, clone }
}

const failure = (promise: Promise<unknown>) => promise.then(() => expect.unreachable('should have failed'), (error: unknown) => error)

describe('a patch set', () => {
	it('lands as the commit that git would have made, with its trailers', async () => {
		const at = await newWorkspace(landing, (dir) => {
			write(dir, 'README.md', 'hello\n')
			write(dir, 'src/deep/a.ts', lines(40))
			write(dir, 'src/other.ts', 'x')
		})
		const { clone, change, made, advanced } = await land(at, (dir) => {
			write(dir, 'src/deep/a.ts', lines(40).replace('line 7', 'line seven'))
			write(dir, 'src/new/b.ts', 'no newline at the end')
		})
		expect(clone.git('log', '-1', '--format=%s%n%an <%ae> %ad|%cn', '--date=raw')).toMatch(/^Change what was asked for\nVibeHQ <factory@vibehq.invalid> \d+ \+0000\|VibeHQ$/)
		expect(clone.git('log', '-1', '--format=%(trailers:unfold)').split('\n').filter(Boolean)).toEqual([
			`Order: ${change.orderId}`,
			'Task: TSK-000000000000',
			`Execution: ${change.executionId}`,
			`Patch-Set: ${change.set.patch_set_id}`,
			'Provider: codex',
		])
		expect(made.requests).toEqual(['POST git-upload-pack', 'POST git-upload-pack', 'POST git-receive-pack'])
		expect(advanced.requests).toEqual(['POST git-receive-pack'])
		console.log(`two files: makeCandidate ${made.ms} ms, advance ${advanced.ms} ms`)
	})

	it('keeps modes, removes emptied directories, renames, and takes odd names', async () => {
		const at = await newWorkspace(landing, (dir) => {
			write(dir, 'run.sh', lines(5))
			write(dir, 'plain.sh', lines(5))
			chmodSync(join(dir, 'plain.sh'), 0o755)
			write(dir, 'gone/only/child.txt', 'a\n')
			write(dir, 'to-move/long.txt', lines(30, 'moved'))
			write(dir, 'thing', 'a file\n')
			write(dir, 'folder/inner', lines(3))
			symlinkSync('README', join(dir, 'link'))
			for (const name of ['a.b', 'a-b', 'a/x', 'a0', 'é.txt', 'with space', 'quo"te', 'tab\there', 'new\nline', '\u{1f600}', '\uff5e']) write(dir, `order/${name}`, lines(3, name))
		})
		const { clone } = await land(at, (dir) => {
			chmodSync(join(dir, 'run.sh'), 0o755)
			chmodSync(join(dir, 'plain.sh'), 0o644)
			write(dir, 'plain.sh', lines(6))
			remove(dir, 'gone')
			renameSync(join(dir, 'to-move'), join(dir, 'moved'))
			remove(dir, 'thing')
			write(dir, 'thing/now/a-directory', 'x\n')
			remove(dir, 'folder')
			write(dir, 'folder', 'now a file\n')
			for (const name of ['é.txt', 'with space', 'quo"te', 'tab\there', 'new\nline', '\u{1f600}', '\uff5e', 'a/x']) write(dir, `order/${name}`, lines(4, name))
			write(dir, 'order/a/日本', 'new\n')
		})
		expect(clone.git('ls-tree', '-r', 'HEAD', 'run.sh', 'link', 'plain.sh').split('\n').map((line) => line.slice(0, 6))).toEqual(['120000', '100644', '100755'])
	})

	it('lands in a tree of 1,000 files and with 3 MB in one file', async () => {
		const at = await newWorkspace(landing, (dir) => {
			for (let n = 0; n < 1000; n += 1) write(dir, `pkg${n % 20}/src/file${n}.ts`, `export const n = ${n}\n`)
			write(dir, 'big.txt', lines(200_000, 'a longer line'))
		})
		const small = await land(at, (dir) => write(dir, 'pkg7/src/file7.ts', 'export const n = 8\n'))
		console.log(`1 of 1,001 files: makeCandidate ${small.made.ms} ms, advance ${small.advanced.ms} ms`)
		const big = await land(at, (dir) => write(dir, 'big.txt', lines(200_000, 'a longer line').replace('line 5\n', 'line five\n').replace('line 199999', 'last')))
		console.log(`a file of ${lines(200_000, 'a longer line').length} bytes: makeCandidate ${big.made.ms} ms, advance ${big.advanced.ms} ms`)
		const many = await land(at, (dir) => {
			for (let n = 0; n < 100; n += 1) write(dir, `pkg${n % 20}/src/file${n}.ts`, `export const n = ${n + 1}\n`)
		})
		console.log(`100 files in 20 directories: makeCandidate ${many.made.ms} ms, advance ${many.advanced.ms} ms`)
	})
})

describe('a repeated step', () => {
	it('gives the same commit and the same records, before and after landing', async () => {
		const at = await newWorkspace(landing, (dir) => write(dir, 'a', lines(3)))
		const change = await changeOf(landing, at, (dir) => write(dir, 'a', lines(4)))
		const id = change.set.patch_set_id
		const first = await candidateFor(at.workspaceId, change)
		const again = await candidateFor(at.workspaceId, change)
		expect(again.value).toEqual(first.value)
		// The base is remembered; only the references are asked for again.
		expect(again.requests).toEqual(['POST git-upload-pack'])
		await advance(at.workspaceId, change, first.value)
		await advance(at.workspaceId, change, first.value)
		expect(await candidateFor(at.workspaceId, change)).toMatchObject({ value: { commit: first.value.commit } })
		expect(await landing.call('record', id)).toMatchObject({ status: 'landed', error: null })
		const events = await landing.call<{ eventType: string; status: string }[]>('events', id)
		expect(events.map(({ eventType, status }) => `${eventType} ${status}`)).toEqual(['stored ok', 'candidate ok', 'landed ok'])
		const log = await landing.call<{ operation: string }[]>('log', change.executionId)
		expect(log.map(({ operation }) => operation)).toEqual(['patch-set.stored', 'patch-set.candidate', 'patch-set.landed'])
	})

	it('knows its landing although the record was lost and later work lies on top', async () => {
		const at = await newWorkspace(landing, (dir) => write(dir, 'a', lines(3)))
		const change = await changeOf(landing, at, (dir) => write(dir, 'a', lines(4)))
		const { value: candidate } = await candidateFor(at.workspaceId, change)
		const clone = await cloneWorkspace(landing, at.workspaceId, 'write')
		clone.git('fetch', '-q', 'origin', candidate.ref)
		clone.git('checkout', '-q', 'FETCH_HEAD')
		clone.git('commit', '-q', '--allow-empty', '-m', 'on top')
		clone.git('push', '-q', 'origin', `HEAD:refs/heads/${branchOf(change)}`)
		await advance(at.workspaceId, change, candidate)
		expect(await landing.call('record', change.set.patch_set_id)).toMatchObject({ status: 'landed' })
		expect(await landing.call('readRef', at.workspaceId, `refs/heads/${branchOf(change)}`)).toBe(clone.git('rev-parse', 'HEAD'))
	})
})

describe('a branch that moved', () => {
	const twoSets = async (first: (directory: string) => void, second: (directory: string) => void, fill: (directory: string) => void = (dir) => write(dir, 'a', lines(30))) => {
		const at = await newWorkspace(landing, fill)
		const orderId = randomId('ORD', 6)
		const one = await changeOf(landing, { ...at, orderId }, first)
		const two = await changeOf(landing, { ...at, orderId }, second)
		const { value: landed } = await candidateFor(at.workspaceId, one)
		await advance(at.workspaceId, one, landed)
		return { at, one, two, landed, branch: `factory/${orderId}` }
	}

	it('takes the set beside what landed before: merged with git\'s own result, and recorded as merged', async () => {
		const { at, two, landed, branch } = await twoSets(
			(dir) => write(dir, 'a', lines(30).replace('line 3\n', 'line three\n')),
			(dir) => {
				write(dir, 'a', lines(30).replace('line 20\n', 'line twenty\n'))
				write(dir, 'new/b', 'b\n')
			},
		)
		const { value: candidate } = await candidateFor(at.workspaceId, two)
		expect(candidate).toMatchObject({ parent: landed.commit, expectedOld: landed.commit, merged: ['a'], alreadyApplied: [], isThere: false })
		expect(await advance(at.workspaceId, two, candidate)).toMatchObject({ value: { hasLanded: true } })
		const clone = await cloneWorkspace(landing, at.workspaceId)
		clone.git('checkout', '-q', branch)
		expect(readFileSync(join(clone.directory, 'a'), 'utf8')).toBe(lines(30).replace('line 3\n', 'line three\n').replace('line 20\n', 'line twenty\n'))
		expect(clone.git('rev-parse', 'HEAD^')).toBe(landed.commit)
		expect(clone.git('fsck', '--strict', '--no-dangling')).toBe('')
	})

	it('refuses a set that meets other work with every hunk, and keeps it', async () => {
		const { at, two } = await twoSets((dir) => write(dir, 'a', lines(30).replace('line 3\n', 'line three\n')), (dir) => write(dir, 'a', lines(30).replace('line 3\n', 'line drei\n')))
		const hunk = { base: { text: 'line 3\n' }, ours: { text: 'line three\n' }, theirs: { text: 'line drei\n' } }
		expect(await failure(candidateFor(at.workspaceId, two))).toMatchObject({ code: 'PATCH_CONFLICT', details: { conflicts: [{ path: 'a', kind: 'content', hunks: [hunk], hunkCount: 1 }] } })
		expect(await landing.call('record', two.set.patch_set_id)).toMatchObject({ status: 'conflict' })
		expect(await landing.call<PatchSet>('load', two.set.patch_set_id)).toEqual(two.set)
	})

	it('has a file where the set needs a directory: a conflict, not a crash', async () => {
		const { at, two } = await twoSets((dir) => write(dir, 'x/deep/y', 'y\n'), (dir) => write(dir, 'x', 'a file\n'))
		expect(await failure(candidateFor(at.workspaceId, two))).toMatchObject({ code: 'PATCH_CONFLICT', details: { conflicts: [{ kind: 'file-directory' }] } })
	})

	it('needs nothing where it has the set already', async () => {
		const edit = (dir: string) => write(dir, 'a', lines(30).replace('line 3\n', 'line three\n'))
		const { at, two, landed } = await twoSets(edit, edit)
		const { value: candidate } = await candidateFor(at.workspaceId, two)
		expect(candidate).toMatchObject({ commit: landed.commit, isThere: true, alreadyApplied: ['a'] })
		expect(await advance(at.workspaceId, two, candidate)).toMatchObject({ value: { hasLanded: true, commit: landed.commit } })
		expect(await landing.call('record', two.set.patch_set_id)).toMatchObject({ status: 'landed', landedCommit: landed.commit })
	})

	it('is advanced by one of many at once; the others merge and land too', async () => {
		const at = await newWorkspace(landing, (dir) => write(dir, 'a', lines(60)))
		const orderId = randomId('ORD', 6)
		const rivals: { change: Change; made: Answer<Candidate> }[] = []
		for (let n = 0; n < 5; n += 1) {
			const change = await changeOf(landing, { ...at, orderId }, (dir) => write(dir, 'a', lines(60).replace(`line ${n * 10}\n`, `changed ${n}\n`)))
			rivals.push({ change, made: await candidateFor(at.workspaceId, change) })
		}
		const results = await Promise.all(rivals.map(({ change, made }) => advance(at.workspaceId, change, made.value)))
		expect(results.filter(({ value }) => value.hasLanded)).toHaveLength(1)
		for (const [index, { value }] of results.entries()) {
			const rival = rivals[index]
			if (value.hasLanded || rival === undefined) continue
			expect(value.actual).toMatch(/^[0-9a-f]{40}$/)
			const again = await candidateFor(at.workspaceId, rival.change)
			expect(await advance(at.workspaceId, rival.change, again.value)).toMatchObject({ value: { hasLanded: true } })
		}
		const clone = await cloneWorkspace(landing, at.workspaceId)
		clone.git('checkout', '-q', `factory/${orderId}`)
		const expected = [0, 1, 2, 3, 4].reduce((text, n) => text.replace(`line ${n * 10}\n`, `changed ${n}\n`), lines(60))
		expect(readFileSync(join(clone.directory, 'a'), 'utf8')).toBe(expected)
		expect(clone.git('rev-list', '--count', 'HEAD')).toBe('7')
	})

	it('is told when it is gone', async () => {
		const at = await newWorkspace(landing, (dir) => write(dir, 'a', lines(3)))
		const change = await changeOf(landing, at, (dir) => write(dir, 'a', lines(4)))
		const { value: candidate } = await candidateFor(at.workspaceId, change)
		expect(await advance(at.workspaceId, change, { ...candidate, expectedOld: at.base })).toMatchObject({ value: { hasLanded: false, actual: null } })
	})

	it('gives one set back and keeps the work of the other, line by line known', async () => {
		const { at, one, two, branch } = await twoSets(
			(dir) => write(dir, 'a', lines(30).replace('line 3\n', 'line three\n')),
			(dir) => write(dir, 'a', lines(30).replace('line 20\n', 'line twenty\nand more\n')),
		)
		const { value: candidate } = await candidateFor(at.workspaceId, two)
		await advance(at.workspaceId, two, candidate)
		const blame = { workspaceId: at.workspaceId, branch, path: 'a' }
		const [first, second] = [one.set.patch_set_id, two.set.patch_set_id]
		const runs = (lines: { start: number; end: number; patchSetId: string | null }[]) => lines.map(({ start, end, patchSetId }) => [start, end, patchSetId])
		expect(await landing.call<BlameView>('blame', blame)).toMatchObject({ hasOlder: false })
		expect(runs((await landing.call<BlameView>('blame', blame)).lines)).toEqual([[1, 3, null], [4, 4, first], [5, 20, null], [21, 22, second], [23, 31, null]])

		const undo = await landing.call<PatchSet>('reverse', first, branch)
		const batch = { batchId: 'BAT-1', workspaceId: at.workspaceId, branch }
		await landing.call('storeBatch', undo, batch)
		const subject = { subjectId: 'BAT-1', patchSetId: undo.patch_set_id, workspaceId: at.workspaceId, branch }
		const back = await landing.call<Candidate>('makeCandidate', { ...subject, set: undo })
		await landing.call('advance', subject, back)
		const clone = await cloneWorkspace(landing, at.workspaceId)
		clone.git('checkout', '-q', branch)
		expect(readFileSync(join(clone.directory, 'a'), 'utf8')).toBe(lines(30).replace('line 20\n', 'line twenty\nand more\n'))
		expect(await landing.call<BlameView>('blame', blame)).toMatchObject({ hasOlder: false })
		expect(runs((await landing.call<BlameView>('blame', blame)).lines)).toEqual([[1, 3, null], [4, 4, undo.patch_set_id], [5, 20, null], [21, 22, second], [23, 31, null]])
		expect(await failure(landing.call('reverse', first, branch))).toMatchObject({ code: 'NO_CHANGES' })
	})
})

describe('a set that may not land', () => {
	it('is refused when its base is unknown, its result is another, or it changes nothing', async () => {
		const at = await newWorkspace(landing, (dir) => write(dir, 'a', lines(3)))
		const change = await changeOf(landing, at, (dir) => write(dir, 'a', lines(4)))
		const unknown = { ...change, set: { ...change.set, base_commit: '1'.repeat(40) } }
		expect(await failure(candidateFor(at.workspaceId, unknown))).toMatchObject({ code: 'PATCH_STALE', details: { actual: null } })
		const corrupt = structuredClone(change)
		for (const patch of corrupt.set.patches) patch.block += 'x'
		expect(await failure(candidateFor(at.workspaceId, corrupt))).toMatchObject({ code: 'PATCH_CORRUPT', details: { path: 'a' } })
		const nothing = { ...change, set: { ...change.set, files: [], patches: [] } }
		expect(await failure(candidateFor(at.workspaceId, nothing))).toMatchObject({ code: 'NO_CHANGES' })
		expect(await landing.call('readRef', at.workspaceId, `refs/vibehq/candidates/${change.executionId}`)).toBeNull()
		expect(await landing.call('record', change.set.patch_set_id)).toMatchObject({ status: 'refused' })
		expect(await candidateFor(at.workspaceId, change)).toMatchObject({ value: { tree: change.tree } })
		expect(await landing.call('record', change.set.patch_set_id)).toMatchObject({ status: 'candidate', error: null })
	})

	it('is refused behind a symlink', async () => {
		const at = await newWorkspace(landing, (dir) => {
			write(dir, 'real/a', 'a\n')
			symlinkSync('real', join(dir, 'link'))
		})
		const change = await changeOf(landing, at, (dir) => write(dir, 'real/b', 'b\n'))
		const through = structuredClone(change)
		for (const file of through.set.files) file.path = 'link/b'
		for (const patch of through.set.patches) patch.file = 'link/b'
		expect(await failure(candidateFor(at.workspaceId, through))).toMatchObject({ code: 'PATCH_POLICY', details: { rule: 'symlink-parent', path: 'link/b' } })
	})

	it('leaves its candidate reference and stays re-appliable when it is discarded', async () => {
		const at = await newWorkspace(landing, (dir) => write(dir, 'a', lines(3)))
		const change = await changeOf(landing, at, (dir) => write(dir, 'a', lines(4)))
		const { value: candidate } = await candidateFor(at.workspaceId, change)
		for (let times = 0; times < 2; times += 1) await landing.call('discard', subjectOf(at.workspaceId, change), candidate, { reason: 'npm test exited with 1' })
		expect(await landing.call('readRef', at.workspaceId, candidate.ref)).toBeNull()
		expect(await landing.call('record', change.set.patch_set_id)).toMatchObject({ status: 'refused', error: 'npm test exited with 1' })
		expect(await candidateFor(at.workspaceId, change)).toMatchObject({ value: { commit: candidate.commit } })
	})

	it('is not looked at before it is stored', async () => {
		const at = await newWorkspace(landing, (dir) => write(dir, 'a', lines(3)))
		const change = await changeOf(landing, at, (dir) => write(dir, 'a', lines(4)))
		const unstored = { ...change, set: { ...change.set, patch_set_id: randomId('PST', 16) } }
		expect(await failure(candidateFor(at.workspaceId, unstored))).toMatchObject({ code: 'PATCH_NOT_FOUND' })
	})
})

describe('the diff of an execution', () => {
	it('is one that git applies to the base and gets the same tree', async () => {
		const at = await newWorkspace(landing, (dir) => {
			write(dir, 'a', lines(30))
			write(dir, 'old', lines(30, 'old'))
			write(dir, 'gone', 'x\n')
		})
		const change = await changeOf(landing, at, (dir) => {
			write(dir, 'a', lines(30).replace('line 3\n', 'line three\n'))
			chmodSync(join(dir, 'a'), 0o755)
			renameSync(join(dir, 'old'), join(dir, 'new name'))
			remove(dir, 'gone')
		})
		const diff = await landing.call<string>('diffOf', change.executionId)
		const clone = await cloneWorkspace(landing, at.workspaceId)
		clone.git('checkout', '-q', at.base)
		writeFileSync(join(clone.directory, '..', 'set.diff'), diff)
		clone.git('apply', '../set.diff')
		expect(clone.stage()).toBe(change.tree)
		expect(await failure(landing.call('diffOf', randomId('EXE', 16)))).toMatchObject({ code: 'PATCH_NOT_FOUND' })
	})
})
