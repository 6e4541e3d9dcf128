import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { AgentRunOutput } from '@shared/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentParameters, EXECUTION_TOKEN, RUNNER_TOKEN, startFakeOrchestrator, until } from './testing/fakeOrchestrator.ts'
import type { FakeOrchestrator, TaskRecord } from './testing/fakeOrchestrator.ts'
import { createTestRepository } from './testing/gitServer.ts'
import type { TestRepository } from './testing/gitServer.ts'
import type { StubStep } from './testing/stubAgent.ts'
import { startTestRunner } from './testing/testRunner.ts'
import type { TestRunner } from './testing/testRunner.ts'

let repository: TestRepository
let orchestrator: FakeOrchestrator
let test: TestRunner
let baseCommit: string

beforeEach(async () => {
	repository = createTestRepository()
	baseCommit = repository.commit({ 'src/add.js': 'export const add = (a, b) => a - b\n', 'crlf.txt': 'one\r\ntwo\r\n', 'run.sh*': '#!/bin/sh\n', '.gitignore': 'ignored/\n' }).commit
	orchestrator = await startFakeOrchestrator(repository)
	test = await startTestRunner(orchestrator.url)
})
afterEach(async () => {
	await test.remove()
	await orchestrator.close()
	repository.remove()
})

function addRun(steps: StubStep[], more: Partial<Parameters<typeof agentParameters>[0]> = {}, grant = {}): TaskRecord {
	const parameters = agentParameters({ baseCommit, prompt: JSON.stringify(steps), ...more })
	return orchestrator.add({ taskType: 'agent-run', requires: 'claude', parameters }, grant)
}
const ended = (record: TaskRecord): Promise<TaskRecord> => until('the end of the task', () => (record.state === 'completed' || record.state === 'failed') && record)
const fix: StubStep = { write: ['src/add.js', 'export const add = (a, b) => a + b\n'] }

describe('an agent run', () => {
	it('hands in what the agent changed, untracked files and modes included', async () => {
		const record = await ended(addRun([fix, { write: ['notes/new.md', 'new\r\n'] }, { sh: 'chmod +x crlf.txt && mkdir ignored && echo x > ignored/x' }, { say: 'Done.' }]))
		expect(record.error).toBeUndefined()
		const output = AgentRunOutput.parse(record.output)
		expect(output).toMatchObject({ summary: 'Done.', sessionId: 's-1', model: 'stub-model', exitCode: 0, isolation: 'process', cliVersion: '0.0.1' })
		expect(output.usage).toMatchObject({ inputTokens: 16, outputTokens: 7, cacheReadTokens: 5 })
		expect(output.patchSet).toMatchObject({ patch_set_id: 'PST-0000000000000001', base_commit: baseCommit, order_id: 'ORD-000001' })
		expect(output.patchSet?.files.map(({ path, change, mode }) => [path, change, mode])).toEqual([
			['crlf.txt', 'mode', '100755'],
			['notes/new.md', 'create', '100644'],
			['src/add.js', 'modify', '100644'],
		])
		expect(Object.keys(output.phasesMs).sort()).toEqual(['cli', 'cli-install', 'clone', 'diff', 'prepare'])
		expect(record.progress.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['phase', 'session', 'message', 'usage']))
	})

	it('tells while it runs which lines it has touched', async () => {
		await test.remove()
		test = await startTestRunner(orchestrator.url, {}, { touchedMs: 20 })
		const go = (name: string): StubStep => ({ sh: `until test -e "$HOME/../../../${name}"; do sleep 0.02; done` })
		const record = addRun([fix, { write: ['notes/new.md', 'new\n'] }, { sh: 'git add -A && git commit -q -m mine' }, go('one'), { sh: 'printf "x\r\none\r\n" > crlf.txt' }, go('two')])
		const files = () => record.progress.findLast(({ kind }) => kind === 'touched')?.data?.['files']
		const [add, created] = [{ path: 'src/add.js', ranges: [[1, 1]] }, { path: 'notes/new.md', ranges: [[1, 0]] }]
		await until('the first two files', () => isDeepStrictEqual(files(), [add, created]))
		writeFileSync(join(test.cacheDir, 'one'), '')
		await until('the third file', () => isDeepStrictEqual(files(), [{ path: 'crlf.txt', ranges: [[1, 0], [2, 2]] }, add, created]))
		writeFileSync(join(test.cacheDir, 'two'), '')
		expect(AgentRunOutput.parse((await ended(record)).output).patchSet?.files).toHaveLength(3)
	})

	it('leaves nothing behind and fetches only once', async () => {
		await ended(addRun([fix]))
		await until('the directory of the run to go', () => readdirSync(join(test.cacheDir, 'runs')).length === 0)
		repository.git(['update-ref', '-d', 'refs/heads/main'])
		repository.git(['gc', '--prune=now', '-q'])
		expect(await ended(addRun([fix]))).toMatchObject({ state: 'completed' })
	})

	it.each<[string, StubStep[]]>([
		['deletes .git', [{ sh: 'rm -rf .git' }, fix]],
		['commits by itself on another branch', [fix, { sh: 'git checkout -q -b other && git add -A && git commit -q -m mine' }]],
		['tries to push', [fix, { sh: 'git commit -qam mine; git push origin HEAD:refs/heads/main && exit 1 || true' }]],
		['sets attributes, filters and hooks', [
			{ sh: 'git config filter.evil.clean "touch $HOME/../../../evil"; git config core.fsmonitor "touch $HOME/../../../evil; false"; git config core.autocrlf true' },
			{ sh: 'printf "* filter=evil text eol=crlf\\n" > .git/info/attributes; printf "#!/bin/sh\\ntouch $HOME/../../../evil\\n" > .git/hooks/post-index-change 2>/dev/null || true' },
			fix,
		]],
	])('makes the same diff when the agent %s', async (_what, steps) => {
		const record = await ended(addRun(steps))
		expect(record.error).toBeUndefined()
		expect(AgentRunOutput.parse(record.output).patchSet?.files.map(({ path }) => path)).toEqual(['src/add.js'])
		expect(existsSync(join(test.cacheDir, 'evil'))).toBe(false)
		expect(repository.git(['rev-parse', 'main'])).toBe(baseCommit)
	})

	it('gives the agent its history and an environment made from nothing', async () => {
		process.env['VIBEHQ_TEST_LEAK'] = 'leak'
		const record = await ended(addRun([{ env: 'env.json' }, { sh: 'git log --format=%H > log.txt && git status --porcelain > status.txt && git config remote.origin.url >> log.txt' }]))
		delete process.env['VIBEHQ_TEST_LEAK']
		// The environment has the execution token, so the patch is not handed in: that is the next test's subject.
		expect(record.error?.code).toBe('PATCH_POLICY')
		expect(JSON.stringify(orchestrator.received)).not.toContain('VIBEHQ_TEST_LEAK')
		const clean = await ended(addRun([{ sh: 'git log --format=%H > log.txt && git status --porcelain > status.txt && git config remote.origin.url >> log.txt' }]))
		const blocks = AgentRunOutput.parse(clean.output).patchSet?.patches.map(({ block }) => block)
		expect(blocks).toEqual([`${baseCommit}\n${orchestrator.url}/git/repo.git\n`, '?? log.txt\n?? status.txt\n'])
	})

	it('never sends a token, in whatever form an agent writes it', async () => {
		const record = await ended(
			addRun([fix, { sh: 'node -e "console.error(process.env.ANTHROPIC_API_KEY, Buffer.from(\'x\' + process.env.ANTHROPIC_API_KEY).toString(\'base64\'))"' }, { say: `token ${EXECUTION_TOKEN}` }]),
		)
		expect(record.state).toBe('completed')
		const leaking = await ended(addRun([{ sh: 'node -e "console.log(Buffer.from(\'xy\' + process.env.ANTHROPIC_API_KEY).toString(\'base64\'))" > stolen.txt' }]))
		expect(leaking).toMatchObject({ state: 'failed', error: { code: 'PATCH_POLICY', retryable: false }, output: { patchSet: null } })
		const wire = orchestrator.received.join('\n')
		expect(wire).not.toContain(EXECUTION_TOKEN)
		expect(wire).not.toContain(RUNNER_TOKEN)
		expect(wire).not.toContain(Buffer.from(EXECUTION_TOKEN).toString('base64').slice(4, -4))
		expect(wire).toContain('[redacted]')
	})

	it.each<[string, StubStep[], object]>([
		['ends well without a change', [{ say: 'Nothing to do.' }], { code: 'NO_CHANGES', retryable: false }],
		['ends without its closing event', [fix, { exit: 0 }], { code: 'AGENT_FAILED' }],
		['ends with an exit code', [fix, { exit: 3 }], { code: 'AGENT_FAILED' }],
		['meets an invalid key', [fix, { error: { status: 401, message: 'Failed to authenticate' } }], { code: 'PROVIDER_AUTH_FAILED' }],
		['meets a rate limit', [fix, { error: { status: 429, message: 'slow, retry after 20 seconds' } }], { code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 20_000 }],
		['runs out of budget', [fix, { error: { status: 402, message: '{"error":{"code":"BUDGET_EXCEEDED"}}' } }], { code: 'BUDGET_EXCEEDED' }],
		['makes a symbolic link', [{ sh: 'ln -s /etc/passwd link' }], { code: 'PATCH_FILE_UNSUPPORTED' }],
		['makes a binary file', [{ sh: 'printf "\\000\\001\\377" > x.bin' }], { code: 'PATCH_BINARY_UNSUPPORTED' }],
		['writes more than a patch set may hold', [{ sh: 'yes "a line of thirteen megabytes" | head -c 13000000 > large.txt' }], { code: 'PATCH_TOO_LARGE' }],
		['makes a repository in the repository', [{ sh: 'git init -q sub' }], { code: 'PATCH_FILE_UNSUPPORTED' }],
	])('fails by name when the agent %s', async (_what, steps, error) => {
		const record = await ended(addRun(steps))
		expect(record).toMatchObject({ state: 'failed', error })
		const { patchSet } = AgentRunOutput.parse(record.output)
		expect(patchSet !== null).toBe(steps[0] === fix)
	})

	it('stops an agent that hangs, that is silent, or that ignores signals, and keeps what it did', async () => {
		const slow = await ended(addRun([fix, { ignoreSignals: true }, { hang: true }], { wallClockMs: 1000 }))
		expect(slow).toMatchObject({ state: 'failed', error: { code: 'AGENT_TIMEOUT' }, output: { patchSet: { files: [{ path: 'src/add.js' }] } } })
		const silent = await ended(addRun([fix, { hang: true }], { stallMs: 1000 }))
		expect(silent).toMatchObject({ state: 'failed', error: { code: 'AGENT_STALLED' }, output: { patchSet: { files: [{ path: 'src/add.js' }] } } })
	}, 20_000)

	it('survives a flood of output and a line without an end', async () => {
		const record = await ended(addRun([{ flood: 20_000 }, { longLine: 11 * 1024 * 1024 }, fix]))
		expect(record.state).toBe('completed')
		const warnings = record.progress.filter(({ kind }) => kind === 'warning').map(({ text }) => text)
		expect(warnings.join('\n')).toMatch(/events were left out/)
	}, 20_000)

	it.each(['marked', 'bare'] as const)('kills a %s daemon that the agent leaves behind', async (daemon) => {
		const record = await ended(addRun([{ daemon }]))
		const pid = Number(AgentRunOutput.parse(record.output).patchSet?.patches[0]?.block)
		expect(pid).toBeGreaterThan(0)
		expect(existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z').toBe(false)
	})

	it('refuses a bare process when the provider is real', async () => {
		const record = await ended(addRun([fix], {}, { upstream: 'real' }))
		expect(record.error).toMatchObject({ code: 'ISOLATION_UNAVAILABLE' })
		expect(record.error?.message).toContain('bubblewrap')
	})

	it('refuses parameters that are not as agreed, and a task without a grant', async () => {
		expect((await ended(orchestrator.add({ taskType: 'agent-run', parameters: { prompt: 1 } }))).error?.code).toBe('CONTAINER_TASK_INVALID')
		const parameters = agentParameters({ baseCommit, prompt: '[]' })
		expect((await ended(orchestrator.add({ taskType: 'agent-run', parameters }, null))).error?.code).toBe('CONTAINER_TASK_INVALID')
	})

	it('fails as retryable when the base commit is not to be had', async () => {
		const record = addRun([fix], { baseCommit: '1'.repeat(40) })
		await until('a failure', () => record.error)
		expect(record.error).toMatchObject({ code: 'GIT_UPSTREAM', retryable: true })
	})
})
