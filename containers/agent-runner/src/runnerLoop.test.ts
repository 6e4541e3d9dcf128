import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findMarked } from './isolation/processTree.ts'
import { agentParameters, RUNNER_TOKEN, startFakeOrchestrator, until } from './testing/fakeOrchestrator.ts'
import type { FakeOrchestrator, TaskRecord } from './testing/fakeOrchestrator.ts'
import { createTestRepository } from './testing/gitServer.ts'
import type { TestRepository } from './testing/gitServer.ts'
import type { StubStep } from './testing/stubAgent.ts'
import { startTestRunner, STUB_PATH } from './testing/testRunner.ts'
import type { TestRunner } from './testing/testRunner.ts'

let repository: TestRepository
let orchestrator: FakeOrchestrator
let baseCommit: string
const runners: TestRunner[] = []

beforeEach(async () => {
	repository = createTestRepository()
	baseCommit = repository.commit({ 'a.txt': 'a\n' }).commit
	orchestrator = await startFakeOrchestrator(repository, { leaseMs: 300 })
})
afterEach(async () => {
	for (const each of runners.splice(0)) await each.remove()
	await orchestrator.close()
	repository.remove()
})

const write: StubStep = { write: ['a.txt', 'b\n'] }
const start = async (more: Parameters<typeof startTestRunner>[1] = {}): Promise<TestRunner> => {
	const test = await startTestRunner(orchestrator.url, more)
	runners.push(test)
	return test
}
const addRun = (steps: StubStep[], more: object = {}): TaskRecord =>
	orchestrator.add({ taskType: 'agent-run', requires: 'claude', parameters: agentParameters({ baseCommit, prompt: JSON.stringify(steps), ...more }) })
const isRunning = (record: TaskRecord): boolean => record.progress.some(({ kind }) => kind === 'session')
const ended = (record: TaskRecord): Promise<TaskRecord> => until('the end of the task', () => (record.state === 'completed' || record.state === 'failed') && record)

describe('the lease of a task', () => {
	it('ends the run when the orchestrator cancels it, and keeps what was made', async () => {
		await start()
		const record = addRun([write, { hang: true }])
		await until('the agent to run', () => isRunning(record))
		record.cancel = { code: 'EXECUTION_CANCELLED', message: 'The user cancelled it.' }
		await ended(record)
		expect(record.error).toEqual({ code: 'EXECUTION_CANCELLED', message: 'The user cancelled it.', retryable: false })
		expect(record.output).toMatchObject({ patchSet: { files: [{ path: 'a.txt' }] } })
	})

	it('kills the run and says nothing when the lease is lost', async () => {
		const { logs, cacheDir } = await start()
		const record = addRun([write, { hang: true }])
		await until('the agent to run', () => isRunning(record))
		record.isLeaseLost = true
		await until('the end of the run', () => logs.some(({ event, outcome }) => event === 'task-ended' && outcome === 'lease-lost'))
		expect(record).toMatchObject({ state: 'running', output: undefined, error: undefined })
		expect(readdirSync(join(cacheDir, 'runs'))).toEqual([])
	})

	it('outlives an orchestrator that is away during the run and when the report is due', async () => {
		const { logs } = await start()
		const record = addRun([write, { sh: 'while ! [ -e ../../../go ]; do sleep 0.05; done' }])
		await until('the agent to run', () => isRunning(record))
		await orchestrator.goDown()
		await until('a heartbeat that fails', () => logs.some(({ call }) => call === 'heartbeat'))
		writeFileSync(join(runners[0]?.cacheDir ?? '', 'go'), '')
		await until('a report that fails', () => logs.some(({ call }) => call === 'complete'))
		await orchestrator.comeUp()
		expect(await ended(record)).toMatchObject({ state: 'completed', claims: 1, output: { exitCode: 0 } })
	})

	it('reports a result that the orchestrator refuses as a failure', async () => {
		await start()
		const record = addRun([write])
		record.refusal = { status: 422, code: 'PATCH_INVALID' }
		expect(await ended(record)).toMatchObject({ state: 'failed', error: { code: 'PATCH_INVALID', retryable: false } })
	})

	it('tries again while the orchestrator fails inside', async () => {
		const { logs } = await start()
		const record = addRun([write])
		record.refusal = { status: 500, code: 'INTERNAL' }
		await until('two refusals', () => logs.filter(({ call }) => call === 'complete').length >= 2)
		record.refusal = null
		expect(await ended(record)).toMatchObject({ state: 'completed', error: undefined })
	})
})

describe('the runner', () => {
	it('gives the task back at once when it is stopped, so that another runner takes it', async () => {
		const first = await start()
		const record = addRun([{ ignoreSignals: true }, { sh: 'while ! [ -e ../../../go ]; do sleep 0.05; done' }, write])
		await until('the agent to run', () => isRunning(record))
		await first.runner.stop()
		expect(record).toMatchObject({ state: 'pending', error: { code: 'RUNNER_LOST', retryable: true } })
		const second = await start()
		writeFileSync(join(second.cacheDir, 'go'), '')
		expect(await ended(record)).toMatchObject({ state: 'completed', claims: 2 })
	}, 20_000)

	it('claims no more when it is drained, and ends what it has', async () => {
		const { runner, cacheDir } = await start()
		const record = addRun([{ sh: 'while ! [ -e ../../../go ]; do sleep 0.05; done' }, write])
		await until('the agent to run', () => isRunning(record))
		const next = addRun([write])
		runner.drain()
		runner.drain()
		writeFileSync(join(cacheDir, 'go'), '')
		await runner.done
		expect([record.state, next.state]).toEqual(['completed', 'pending'])
	})

	it('runs several tasks at a time when it may, and never more', async () => {
		await start({ concurrency: 2 })
		const records = [1, 2, 3].map(() => addRun([write, { sh: 'sleep 0.3' }]))
		await until('two tasks at a time', () => records.filter(({ state }) => state === 'running').length === 2)
		await Promise.all(records.map(ended))
		expect(records.every(({ state }) => state === 'completed')).toBe(true)
		expect(Math.max(...orchestrator.claims.map(({ max }) => max))).toBe(2)
	})

	it('ends after one task when asked to', async () => {
		const { runner } = await start({ isOnce: true })
		const record = addRun([write])
		await runner.done
		expect(record.state).toBe('completed')
	})

	it('waits for an orchestrator that is not there yet', async () => {
		await orchestrator.goDown()
		const { logs } = await start()
		await until('a claim that fails', () => logs.some(({ event, code }) => event === 'claim-problem' && code === 'UNREACHABLE'))
		const record = addRun([write])
		await orchestrator.comeUp()
		expect((await ended(record)).state).toBe('completed')
	})

	it('runs a command in an empty directory and hands in its output', async () => {
		await start()
		const record = await ended(orchestrator.add({ taskType: 'command', command: ['sh', '-c', 'ls -A; echo "$ORCHESTRATOR_TOKEN"; echo e >&2; exit 4'] }))
		expect(record.output).toEqual({ exitCode: 4, signal: null, timedOut: false, stdout: '\n', stderr: 'e\n' })
		const missing = await ended(orchestrator.add({ taskType: 'command', command: ['vibehq-no-such-program'] }))
		expect(missing.error?.code).toBe('CONTAINER_TASK_INVALID')
		expect((await ended(orchestrator.add({ taskType: 'command', command: [] }))).error?.code).toBe('CONTAINER_TASK_INVALID')
		const slow = await ended(orchestrator.add({ taskType: 'command', command: ['sleep', '60'], timeoutMs: 1000 }))
		expect(slow.output).toMatchObject({ timedOut: true })
	})
})

describe('main.ts', () => {
	const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

	it('stops on SIGTERM: fails the task as retryable, leaves no process and no token in its output', async () => {
		const home = mkdtempSync(join(tmpdir(), 'vibehq-test-main-'))
		const stub = join(home, 'bin', 'cursor-agent')
		// Cursor is the agent that comes from the PATH. It has its key in its environment and gets its prompt as an argument.
		const script = `#!/bin/sh\ncase "$1" in --version) echo 2026.1;; *) for last; do :; done; printf '%s' "$last" | exec ${process.execPath} ${STUB_PATH};; esac\n`
		mkdirSync(join(home, 'bin'))
		writeFileSync(stub, script, { mode: 0o755 })
		symlinkSync(process.execPath, join(home, 'bin', 'node'))
		const env = { PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: home, ORCHESTRATOR_URL: orchestrator.url, ORCHESTRATOR_TOKEN: RUNNER_TOKEN }
		const child = spawn(process.execPath, [MAIN, '--providers', 'cursor', '--isolation', 'process', '--cache-dir', join(home, 'cache')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
		let output = ''
		child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
		const steps: StubStep[] = [{ say: `token ${RUNNER_TOKEN}` }, { daemon: 'marked' }, { hang: true }]
		const parameters = agentParameters({ baseCommit, prompt: JSON.stringify(steps), provider: 'cursor' })
		const grant = { mode: 'direct' as const, secretEnv: { CURSOR_API_KEY: 'cursor-secret-key-123' } }
		const record = orchestrator.add({ taskType: 'agent-run', requires: 'cursor', parameters }, grant)
		await until('the agent to speak', () => record.progress.some(({ kind }) => kind === 'message'))
		const [run = ''] = readdirSync(join(home, 'cache/runs'))
		expect((await findMarked(run, join(home, 'cache/runs', run))).length).toBeGreaterThan(0)
		child.kill('SIGTERM')
		const code = await new Promise((resolve) => child.once('exit', resolve))
		expect(code).toBe(0)
		expect(record).toMatchObject({ state: 'pending', error: { code: 'RUNNER_LOST', retryable: true } })
		expect(await findMarked(run, join(home, 'cache/runs', run))).toEqual([])
		expect(existsSync(join(home, 'cache/runs', run))).toBe(false)
		for (const line of output.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('event')
		expect(`${output}${orchestrator.received.join()}`).not.toContain(RUNNER_TOKEN)
		rmSync(home, { recursive: true, force: true })
	}, 20_000)

	it('says in one line of JSON what is wrong with its command line', async () => {
		const child = spawn(process.execPath, [MAIN, '--bogus'], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'inherit'] })
		let output = ''
		child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
		expect(await new Promise((resolve) => child.once('close', resolve))).toBe(2)
		expect(JSON.parse(output)).toMatchObject({ event: 'runner-failed', code: 'INVALID_INPUT', message: expect.stringMatching(/usage/) })
	})
})
