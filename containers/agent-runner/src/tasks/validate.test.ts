import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { applyPatchSet } from '@shared/ai-patch'
import { AgentRunOutput, ValidateOutput } from '@shared/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentParameters, EXECUTION_TOKEN, startFakeOrchestrator, until, validateParameters } from '../testing/fakeOrchestrator.ts'
import type { FakeOrchestrator, TaskRecord } from '../testing/fakeOrchestrator.ts'
import { createTestRepository } from '../testing/gitServer.ts'
import type { TestRepository } from '../testing/gitServer.ts'
import { startTestRunner } from '../testing/testRunner.ts'
import type { TestRunner } from '../testing/testRunner.ts'

const BASE = { 'a.txt': 'one\ntwo\r\nthree', 'run.sh*': '#!/bin/sh\n', 'dir/old.txt': 'moved\nas it is\n', '.gitignore': '*.log\n', '.gitattributes': '* text=auto eol=lf\n' }
const REF = 'refs/vibehq/candidates/EXE-0000000000000001'

let repository: TestRepository
let orchestrator: FakeOrchestrator
let test: TestRunner
let base: { commit: string; tree: string }
let candidate: { commit: string; tree: string }

const ended = (record: TaskRecord): Promise<TaskRecord> => until('the end of the task', () => (record.state === 'completed' || record.state === 'failed') && record)

/** Lets a stub agent make the patch set, and makes the candidate from it as the orchestrator does. */
async function makeCandidate(): Promise<void> {
	const script = 'printf "one\\n2\\r\\nthree\\n" > a.txt; git mv dir/old.txt new.txt; chmod -x run.sh; echo x > b.log; git add -f b.log; mkdir d; echo y > d/e.txt'
	const parameters = agentParameters({ baseCommit: base.commit, prompt: JSON.stringify([{ sh: script }]) })
	const made = await ended(orchestrator.add({ taskType: 'agent-run', requires: 'claude', parameters }))
	const { patchSet } = AgentRunOutput.parse(made.output)
	if (!patchSet) throw new Error('The stub made no patch set.')
	const files = new Map<string, string>(Object.entries(BASE))
	const applied = await applyPatchSet(patchSet, async (path) => {
		const content = files.get(path) ?? files.get(`${path}*`)
		return content === undefined ? null : Buffer.from(content)
	})
	for (const file of applied) {
		if (file.from) files.delete(file.from)
		files.delete(`${file.path}*`)
		if (file.content) files.set(file.mode === '100755' ? `${file.path}*` : file.path, Buffer.from(file.content).toString())
		else files.delete(file.path)
	}
	candidate = repository.commit(Object.fromEntries(files), { ref: REF, parent: base.commit })
	orchestrator.patchSet = patchSet
}

beforeEach(async () => {
	repository = createTestRepository()
	base = repository.commit(BASE)
	orchestrator = await startFakeOrchestrator(repository)
	test = await startTestRunner(orchestrator.url)
	await makeCandidate()
})
afterEach(async () => {
	await test.remove()
	await orchestrator.close()
	repository.remove()
})

function addValidation(more: object = {}): TaskRecord {
	const parameters = validateParameters({ baseCommit: base.commit, candidateCommit: candidate.commit, candidateTree: candidate.tree, ...more })
	return orchestrator.add({ taskType: 'validate', parameters })
}
const validation = async (more: object = {}): Promise<ValidateOutput> => ValidateOutput.parse((await ended(addValidation(more))).output)

describe('a candidate on a branch that moved on', () => {
	const LATER = { ...BASE, 'dir/old.txt': 'moved\nas it is\nlater\n', 'run.sh*': '#!/bin/sh\ntrue\n', 'other.txt': 'other\n' }
	const landOn = (onto: { commit: string }): { commit: string; tree: string } => {
		const { 'dir/old.txt': moved, 'run.sh*': script, ...rest } = LATER
		const files = { ...rest, 'a.txt': 'one\n2\r\nthree\n', 'new.txt': moved, 'run.sh': script, 'd/e.txt': 'y\n' }
		return repository.commit(files, { ref: REF, parent: onto.commit })
	}

	it('is made again by merging, with the base out of the mirror', async () => {
		const onto = repository.commit(LATER, { parent: base.commit })
		const merged = landOn(onto)
		const more = { ontoCommit: onto.commit, candidateCommit: merged.commit, candidateTree: merged.tree }
		expect(await validation(more)).toMatchObject({ agrees: true, treeId: merged.tree, engineError: null })
		await test.remove()
		test = await startTestRunner(orchestrator.url)
		const { commands, baseTree } = await validation({ ...more, commands: ['test -e dir/old.txt', 'git rev-parse HEAD HEAD~1; exit 1'] })
		expect(baseTree).toBe(onto.tree)
		expect(commands).toMatchObject([
			{ exitCode: 1, base: { exitCode: 0 }, verdict: 'new-failure' },
			{ outputTail: `${merged.commit}\n${onto.commit}\n`, base: { outputTail: `${onto.commit}\n${base.commit}\n` }, verdict: 'inconclusive' },
		])
	})

	it('is refused where the set conflicts with the branch, or was made against another commit', async () => {
		const onto = repository.commit({ ...BASE, 'a.txt': 'one\nzwei\r\nthree' }, { parent: base.commit })
		const more = { ontoCommit: onto.commit, candidateCommit: onto.commit, candidateTree: onto.tree, commands: ['touch ran'] }
		expect(await validation(more)).toMatchObject({ agrees: false, engineError: expect.stringMatching(/^PATCH_CONFLICT: .*"?a\.txt/), commands: [], baseTree: null })
		const elsewhere = repository.commit({ ...BASE, 'z.txt': '' }, { ref: 'refs/heads/other', parent: base.commit })
		expect(await validation({ ...more, baseCommit: elsewhere.commit })).toMatchObject({ agrees: false, engineError: expect.stringMatching(/^PATCH_STALE/) })
	})

	it('fails as retryable when the commit it sits on cannot be had', async () => {
		const record = addValidation({ ontoCommit: '3'.repeat(40) })
		await until('a failure', () => record.error, 12_000)
		expect(record.error).toMatchObject({ code: 'GIT_UPSTREAM', retryable: true })
	})
})

describe('validate', () => {
	it('re-makes the candidate and agrees, with the base at hand or not', async () => {
		expect(await validation()).toMatchObject({ agrees: true, treeId: candidate.tree, baseTree: null, engineError: null, commands: [] })
		await test.remove()
		test = await startTestRunner(orchestrator.url)
		expect(await validation()).toMatchObject({ agrees: true, treeId: candidate.tree })
	})

	it('disagrees when the candidate is not what the patch set makes', async () => {
		const other = repository.commit({ 'a.txt': 'something else\n' }, { ref: REF, parent: base.commit })
		const result = await validation({ candidateCommit: other.commit, candidateTree: other.tree, commands: ['touch ran'] })
		expect(result).toMatchObject({ agrees: false, treeId: candidate.tree, commands: [] })
	})

	it('disagrees when the candidate commit has another tree than it was said to have', async () => {
		const other = repository.commit({ 'a.txt': 'something else\n' }, { ref: REF, parent: base.commit })
		const result = await validation({ candidateCommit: other.commit, commands: ['touch ran'] })
		expect(result).toMatchObject({ agrees: false, engineError: expect.stringContaining(other.tree), commands: [] })
	})

	it('says what the second engine says against a patch set', async () => {
		const set = structuredClone(orchestrator.patchSet) as { files: { result_blob: string | null }[] }
		for (const file of set.files) if (file.result_blob) file.result_blob = '0123456789'.repeat(4)
		orchestrator.patchSet = set
		expect(await validation()).toMatchObject({ agrees: false, engineError: expect.stringMatching(/PATCH_/) })
	})

	it('runs the commands on the candidate without a token, and keeps the ends of their output', async () => {
		const { commands } = await validation({ commands: ['git status --porcelain; git diff --stat HEAD~1 | tail -1; cat d/e.txt; env', 'echo no >&2; exit 3', 'yes | head -c 100000'] })
		expect(commands.map(({ exitCode, timedOut }) => [exitCode, timedOut])).toEqual([[0, false], [3, false], [0, false]])
		expect(commands[0]?.outputTail).toMatch(/^ 4 files changed.*\ny\n/)
		expect(commands[0]?.outputTail).not.toMatch(/TOKEN|_KEY/)
		expect(commands[1]?.outputTail).toBe('no\n')
		expect(commands[2]?.outputTail).toHaveLength(16 * 1024)
		expect(orchestrator.received.join()).not.toContain(EXECUTION_TOKEN)
	})

	it('ends a command that takes too long', async () => {
		const { commands } = await validation({ commands: ['echo begun; sleep 60', 'true'], wallClockMs: 6000 })
		expect(commands[0]).toMatchObject({ exitCode: null, timedOut: true, outputTail: 'begun\n', base: { timedOut: true }, verdict: 'inconclusive' })
		expect(commands[1]).toMatchObject({ exitCode: null, timedOut: true, base: null, verdict: 'inconclusive' })
	})

	it('blames the candidate for hanging where the base does not', async () => {
		const { commands } = await validation({ commands: ['test -e dir/old.txt || sleep 60'], wallClockMs: 8000 })
		expect(commands).toMatchObject([{ exitCode: null, timedOut: true, base: { exitCode: 0, timedOut: false }, verdict: 'new-failure', newFailures: [] }])
	})

	it('runs what fails on the base, too, in a directory of its own, and blames the candidate only for what is new', async () => {
		const says = (...names: string[]): string => names.map((name) => `echo 'not ok 1 - ${name}'`).join('; ')
		const { commands, baseTree } = await validation({
			commands: [
				'pwd > $HOME/where; touch prepared',
				'test -e prepared && grep -q two a.txt',
				`${says('known')}; exit 1`,
				`${says('known')}; test -e new.txt && ${says('fresh')}; exit 1`,
				'echo no name; exit 1',
				'pwd; cat $HOME/where; git log --format=%H -1; env | grep -c TOKEN; exit 1',
			],
		})
		expect(baseTree).toBe(base.tree)
		expect(commands.map(({ verdict, newFailures }) => [verdict, newFailures])).toEqual([
			['passed', []],
			['new-failure', []],
			['pre-existing', []],
			['new-failure', ['not ok - fresh']],
			['inconclusive', []],
			['inconclusive', []],
		])
		expect(commands.map((command) => command.base?.exitCode)).toEqual([undefined, 0, 1, 1, 1, 1])
		const [own, others] = [commands[5]?.outputTail, commands[5]?.base?.outputTail].map((text) => text?.trim().split('\n') ?? [])
		expect(own).toEqual([own?.[0], own?.[0], candidate.commit, '0'])
		expect(others).toEqual([others?.[0], others?.[0], base.commit, '0'])
		expect(own?.[0]).not.toBe(others?.[0])
		await until('the directories of the runs to go', () => readdirSync(join(test.cacheDir, 'runs')).length === 0)
	})

	it('fails as retryable when the candidate that the commands are for does not come', async () => {
		const record = addValidation({ candidateCommit: '2'.repeat(40), candidateRef: 'refs/vibehq/candidates/none', commands: ['true'] })
		await until('a failure', () => record.error, 12_000)
		expect(record.error).toMatchObject({ code: 'GIT_UPSTREAM', retryable: true })
	}, 15_000)

	it('fails when the patch set cannot be had', async () => {
		orchestrator.patchSet = { nothing: true }
		expect((await ended(addValidation())).error).toBeDefined()
	})
})
