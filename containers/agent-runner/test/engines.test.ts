import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GIT_DIFF_PATCH_ARGS, GIT_DIFF_RAW_ARGS, landPatchSet, patchSetFromDiff } from '@shared/ai-patch'
import type { PatchSet } from '@shared/contracts'
import { isAppError } from '@shared/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkOut, writeTree } from '../src/git/workTree.ts'
import { remake } from '../src/patchManager.ts'
import { createTestRepository } from '../src/testing/gitServer.ts'
import type { TestRepository } from '../src/testing/gitServer.ts'
import { makeDrift } from './support/drift.ts'
import type { Drift, Tree } from './support/drift.ts'

const ROUNDS = 300
const LANES = 2

let repository: TestRepository
beforeAll(() => {
	repository = createTestRepository()
})
afterAll(() => repository.remove())

/** What an engine makes of a landing: the id of a tree, or the code of a refusal. */
type Verdict = { tree: string } | { refusal: string }

interface Case extends Drift {
	seed: number
	commits: { base: string; ours: string; theirs: string }
	set: PatchSet
	/** The TypeScript engine's. */
	landed: Tree | string
	landings: string[]
}

/** Both engines on a branch that moved on: the same tree, or both refuse for the same reason. */
it('the engines land alike', { timeout: 240_000 }, async () => {
	const drifts = Array.from({ length: ROUNDS }, (_, index) => makeDrift(index + 1))
	const commits = commitAll(drifts.flatMap(({ base, ours, theirs }) => [base, ours, theirs]))
	const cases: Case[] = []
	for (const [index, drift] of drifts.entries()) {
		const [base = '', ours = '', theirs = ''] = commits.slice(3 * index, 3 * index + 3)
		const set = await makeSet(drift, { base, theirs })
		const { landed, landings } = await landByTypeScript(drift, set)
		cases.push({ ...drift, seed: index + 1, commits: { base, ours, theirs }, set, landed, landings })
	}
	const trees = commitAll(cases.map(({ landed }) => (typeof landed === 'string' ? new Map() : landed))).map((commit) => repository.git(['rev-parse', `${commit}^{tree}`]))
	const verdicts = cases.map(({ landed }, index): Verdict => (typeof landed === 'string' ? { refusal: landed } : { tree: trees[index] ?? '' }))
	const remade = await inLanes(cases, landByPatchManager)
	for (const [index, { seed, set, landings }] of cases.entries()) expect(remade[index], JSON.stringify({ seed, landings, files: set.files })).toEqual(verdicts[index])
	checkVariety(cases)
})

/** The drift is worth something only if all of it came up. */
function checkVariety(cases: readonly Case[]): void {
	expect(new Set(cases.flatMap(({ landings }) => landings))).toEqual(new Set(['applied', 'already-applied', 'merged']))
	expect(new Set(cases.flatMap(({ set }) => set.files.map(({ change }) => change)))).toEqual(new Set(['modify', 'create', 'delete', 'rename', 'mode']))
	const landed = cases.filter((each) => typeof each.landed !== 'string').length
	expect(landed).toBeGreaterThan(ROUNDS / 4)
	expect(ROUNDS - landed).toBeGreaterThan(ROUNDS / 4)
	expect(cases.filter((each) => typeof each.landed !== 'string' && each.landings.includes('merged')).length).toBeGreaterThan(ROUNDS / 10)
}

/** One commit for each tree, by one process. */
function commitAll(trees: readonly Tree[]): string[] {
	const marks = join(repository.directory, 'marks')
	const parts: Buffer[] = []
	const data = (content: string): void => {
		const bytes = Buffer.from(content)
		parts.push(Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n'))
	}
	for (const [index, tree] of trees.entries()) {
		parts.push(Buffer.from(`commit refs/heads/drift-${index}\nmark :${index + 1}\ncommitter t <t@t.invalid> 1 +0000\n`))
		data('drift')
		parts.push(Buffer.from('deleteall\n'))
		for (const [path, { content, mode }] of tree) {
			parts.push(Buffer.from(`M ${mode} inline ${quoted(path)}\n`))
			data(content)
		}
	}
	repository.git(['fast-import', '--quiet', '--force', `--export-marks=${marks}`], Buffer.concat(parts))
	const lines = readFileSync(marks, 'utf8').trim().split('\n')
	const byMark = new Map(lines.map((line) => [Number(line.slice(1, line.indexOf(' '))), line.slice(line.indexOf(' ') + 1)]))
	return trees.map((_, index) => byMark.get(index + 1) ?? '')
}

function quoted(path: string): string {
	return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

async function makeSet({ base }: Drift, commits: { base: string; theirs: string }): Promise<PatchSet> {
	const env = { PATH: process.env['PATH'], GIT_DIR: repository.directory, GIT_INDEX_FILE: join(repository.directory, 'index-of-theirs'), GIT_CONFIG_NOSYSTEM: '1', HOME: repository.directory }
	const run = (args: readonly string[]): Buffer => execFileSync('git', args, { env, maxBuffer: 2 ** 26 })
	run(['read-tree', commits.theirs])
	const made = await patchSetFromDiff({
		raw: run([...GIT_DIFF_RAW_ARGS, commits.base]),
		diff: run([...GIT_DIFF_PATCH_ARGS, commits.base]),
		readBase: readFrom(base),
		taskId: 'TSK-000000000001',
		provider: 'claude',
	})
	return {
		patch_set_id: 'PST-0000000000000001',
		task_id: 'TSK-000000000001',
		execution_id: 'EXE-0000000000000001',
		base_commit: commits.base,
		...made,
		summary: '',
		metadata: { provider: 'claude' },
	}
}

const readFrom = (tree: Tree) => async (path: string) => {
	const file = tree.get(path)
	return file === undefined ? null : Buffer.from(file.content)
}
const modesOf = (tree: Tree) => async (path: string) => tree.get(path)?.mode ?? null

async function landByTypeScript({ base, ours }: Drift, set: PatchSet): Promise<{ landed: Tree | string; landings: string[] }> {
	try {
		const files = await landPatchSet(set, { readBase: readFrom(base), readCurrent: readFrom(ours), readBaseMode: modesOf(base), readCurrentMode: modesOf(ours) })
		const written = files.filter(({ landing }) => landing !== 'already-applied')
		const after: Tree = new Map(ours)
		for (const { path, from, content } of written) {
			if (from !== undefined) after.delete(from)
			if (content === null) after.delete(path)
		}
		for (const { path, content, mode } of written) if (content !== null) after.set(path, { content: Buffer.from(content).toString(), mode })
		// Who builds the tree sees this, as the engine says of itself.
		const isBlocked = written.some(({ path, content }) => content !== null && [...after.keys()].some((other) => other.startsWith(`${path}/`)))
		return { landed: isBlocked ? 'PATCH_CONFLICT' : after, landings: files.map(({ landing }) => landing) }
	} catch (error) {
		if (isAppError(error)) return { landed: error.code, landings: [] }
		throw error
	}
}

async function landByPatchManager({ seed, commits, set }: Case): Promise<Verdict> {
	const root = join(repository.directory, `round-${seed}`)
	const [directory, gitDir, patchSetFile] = [join(root, 'work'), join(root, 'git'), join(root, 'set.json')]
	mkdirSync(directory, { recursive: true })
	writeFileSync(patchSetFile, JSON.stringify(set))
	const tree = await checkOut({ mirror: repository.directory, gitDir, directory, baseCommit: commits.ours })
	const base = { gitDir: repository.directory, commit: commits.base }
	const { problem } = await remake({ root: directory, patchSetFile, base, signal: AbortSignal.timeout(60_000) })
	const verdict = problem === null ? { tree: await writeTree(tree) } : { refusal: problem.slice(0, problem.indexOf(':')) }
	rmSync(root, { recursive: true })
	return verdict
}

async function inLanes<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
	const results: R[] = []
	const queue = items.entries()
	const lane = async (): Promise<void> => {
		for (const [index, item] of queue) results[index] = await work(item)
	}
	await Promise.all(Array.from({ length: LANES }, lane))
	return results
}
