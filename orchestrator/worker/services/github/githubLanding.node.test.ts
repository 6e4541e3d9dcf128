import { applyPatchSet, GIT_DIFF_PATCH_ARGS, GIT_DIFF_RAW_ARGS, patchSetFromDiff } from '@shared/ai-patch'
import type { PatchSet } from '@shared/contracts'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBaseTree } from '../git/baseTree.ts'
import { makeCommit } from '../git/objects.ts'
import { buildTree } from '../git/treeBuilder.ts'
import { createPullRequests } from './pullRequests.ts'
import { headOf, NAME, PLACE, START, startGitHub } from './testing/fixture.ts'
import type { GitHubFixture } from './testing/fixture.ts'

const FILES = { 'src/sum.ts': 'export const sum = (a: number, b: number) => a - b\n', 'old/name.ts': 'export const kept = 1\n// and more\n// and more\n', 'run.sh': '#!/bin/sh\n', 'dead.ts': '// unused\n' }
const CANDIDATE = 'refs/vibehq/candidates/EXE-0000000000000001'
const BRANCH = 'refs/heads/factory/ORD-000001'

let github: GitHubFixture
let directory: string
beforeEach(async () => {
	github = await startGitHub({ repos: [{ name: NAME, files: FILES }] })
	directory = mkdtempSync(join(tmpdir(), 'github-agent-'))
})
afterEach(async () => {
	await github.close()
	rmSync(directory, { recursive: true, force: true })
})

/** What an agent hands in, and the tree that git itself makes of it. */
async function agentWork(): Promise<{ set: PatchSet; tree: string }> {
	const git = await github.clone()
	await git('checkout', '-q', '-b', 'work', 'refs/heads/main')
	const home = (await git('rev-parse', '--show-toplevel')).trim()
	writeFileSync(join(home, 'src/sum.ts'), FILES['src/sum.ts'].replace('a - b', 'a + b'))
	await git('mv', 'old/name.ts', 'src/name.ts')
	await git('rm', '-q', 'dead.ts')
	writeFileSync(join(home, 'run.sh'), FILES['run.sh'], { mode: 0o755 })
	execFileSync('chmod', ['755', join(home, 'run.sh')])
	writeFileSync(join(home, 'src/new.ts'), 'export {}\n')
	await git('add', '-A')
	const bytes = (args: readonly string[]) => execFileSync('git', args, { cwd: home })
	const base = (await git('rev-parse', 'main')).trim()
	const made = await patchSetFromDiff({
		raw: bytes([...GIT_DIFF_RAW_ARGS, base]),
		diff: bytes([...GIT_DIFF_PATCH_ARGS, base]),
		readBase: async (path) => bytes(['cat-file', 'blob', `${base}:${path}`]),
		taskId: 'TSK-000000000000',
		provider: 'codex',
	})
	const ids = { patch_set_id: 'PST-0000000000000001', task_id: 'TSK-000000000000', execution_id: 'EXE-0000000000000001', order_id: 'ORD-000001' }
	return { set: { ...ids, base_commit: base, ...made, summary: 'Add instead of subtracting', metadata: { provider: 'codex' } }, tree: (await git('write-tree')).trim() }
}

it('lands a patch set: a candidate, then the branch, then the pull request', async () => {
	const { set, tree } = await agentWork()
	const store = github.store()
	await store.readAhead(set.base_commit, [])
	const base = await store.readCommit(set.base_commit)
	const built = await buildTree(store, base?.tree ?? '', await applyPatchSet(set, createBaseTree(store, base?.tree ?? '').readBase))
	expect(built.tree).toBe(tree)
	const commit = await makeCommit({ tree, parents: [set.base_commit], author: { name: 'VibeHQ', email: 'factory@vibehq.invalid' }, at: START, message: set.summary })
	expect(await store.push([{ ref: CANDIDATE, old: null, new: commit.id }], [...built.objects, commit])).toEqual([{ ref: CANDIDATE, isDone: true }])

	const advance = [{ ref: BRANCH, old: null, new: commit.id }, { ref: CANDIDATE, old: commit.id, new: null }]
	expect(await github.store().push(advance, [], { isAtomic: false })).toEqual([{ ref: BRANCH, isDone: true }, { ref: CANDIDATE, isDone: true }])
	expect(await github.store().readRefs([BRANCH, CANDIDATE])).toEqual(new Map([[BRANCH, commit.id]]))
	const git = await github.clone()
	expect((await git('rev-parse', `${BRANCH}^{tree}`)).trim()).toBe(tree)
	await git('fsck', '--strict')

	const pull = await createPullRequests({ client: github.client, place: PLACE }).createOrUpdate({ head: 'factory/ORD-000001', base: 'main', title: set.summary, body: 'text' })
	await github.fake.merge(NAME, pull.number, 'octocat')
	expect(await github.fake.git(NAME, 'show', 'main:src/sum.ts')).toContain('a + b')
	expect(await headOf(github.store())).not.toBe(set.base_commit)
})
