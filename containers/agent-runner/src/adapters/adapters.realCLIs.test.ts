// The pinned CLIs themselves, as the runner starts them, against the model emulator. They are downloaded once into the user's cache.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AgentRunOutput } from '@shared/contracts'
import { startEmulator } from '@shared/testing/emulator'
import type { RunningEmulator } from '@shared/testing/emulator'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { defaultCacheDir, ensureCLI } from '../cliCache.ts'
import { startRunner } from '../runner.ts'
import type { Runner } from '../runner.ts'
import { agentParameters, EXECUTION_TOKEN, RUNNER_TOKEN, startFakeOrchestrator, until } from '../testing/fakeOrchestrator.ts'
import type { FakeOrchestrator, TaskRecord } from '../testing/fakeOrchestrator.ts'
import { createTestRepository } from '../testing/gitServer.ts'
import type { TestRepository } from '../testing/gitServer.ts'
import { HOSTILE_FILES } from '../testing/hostileRepository.ts'

const AGENTS = ['codex', 'claude', 'gemini', 'copilot'] as const
const SCENARIOS = [
	{
		name: 'fix',
		match: 'FIX',
		steps: [
			{ edit: { path: 'src/add.js', old: 'a - b', new: 'a + b' } },
			{ shell: '(setsid sleep 600 > /dev/null 2>&1 & echo $! > daemon.pid)' },
			{ say: 'Fixed add.' },
		],
	},
	{ name: 'nothing', match: 'NOTHING', steps: [{ say: 'Nothing to do.' }] },
	{ name: 'silent', match: 'SILENT', fault: { stall: 'headers' } },
]

let emulator: RunningEmulator
let repository: TestRepository
let orchestrator: FakeOrchestrator
let runner: Runner
let baseCommit: string
const cacheDir = mkdtempSync(join(tmpdir(), 'vibehq-test-real-'))
let keys: Set<string>

beforeAll(async () => {
	for (const agent of AGENTS) await ensureCLI(agent)
	emulator = await startEmulator({ scenarios: SCENARIOS })
	repository = createTestRepository()
	baseCommit = repository.commit({ 'src/add.js': 'export function add(a, b) {\n\treturn a - b\n}\n', ...HOSTILE_FILES }).commit
	orchestrator = await startFakeOrchestrator(repository, { leaseMs: 30_000 })
	orchestrator.onGateway = (request, response) => {
		const { authorization, 'x-api-key': apiKey, 'x-goog-api-key': googleKey } = request.headers
		keys.add(String(authorization ?? apiKey ?? googleKey).replace('Bearer ', ''))
		const url = new URL(`${emulator.url}/p${(request.url ?? '').slice('/gateway'.length)}`)
		const upstream = httpRequest(url, { method: request.method, headers: { ...request.headers, host: url.host } }, (answer) => {
			response.writeHead(answer.statusCode ?? 502, answer.headers)
			answer.pipe(response)
		})
		upstream.on('error', () => response.destroy())
		request.pipe(upstream)
	}
	const options = {
		...{ orchestratorURL: orchestrator.url, runnerToken: RUNNER_TOKEN, workerName: 'test', containerName: 'test', concurrency: 1 },
		...{ isolation: 'process' as const, isTrusted: false, cacheDir, cliCacheDir: defaultCacheDir(process.env), providers: AGENTS },
		...{ isOnce: false, image: 'none', healthPort: null, pool: null, hidden: [], shown: [] },
	}
	runner = await startRunner(options, { log: () => {} })
}, 900_000)
afterAll(async () => {
	await runner.stop()
	await Promise.all([orchestrator.close(), emulator.close()])
	repository.remove()
	rmSync(cacheDir, { recursive: true, force: true })
})
beforeEach(() => {
	keys = new Set()
})

async function run(agent: string, prompt: string, more: object = {}): Promise<TaskRecord> {
	const parameters = agentParameters({ baseCommit, prompt, provider: agent as 'codex', model: null, ...more })
	const record = orchestrator.add({ taskType: 'agent-run', requires: agent, parameters }, { gatewayPath: `/gateway/${agent}` })
	return await until(`the end of ${agent}`, () => (record.state === 'completed' || record.state === 'failed') && record, 60_000)
}

describe.each(AGENTS)('%s', (agent) => {
	it('works in a repository whose settings try to take it over, and none of them has an effect', async () => {
		const record = await run(agent, 'Please FIX it')
		expect(record.error).toBeUndefined()
		const output = AgentRunOutput.parse(record.output)
		expect(output).toMatchObject({ exitCode: 0, unknownEvents: 0, summary: expect.stringContaining('Fixed add.') })
		expect(output.usage?.inputTokens).toBeGreaterThan(0)
		expect(output.patchSet?.files.map(({ path }) => path)).toEqual(['daemon.pid', 'src/add.js'])
		expect(readdirSync(cacheDir).filter((name) => name.startsWith('pwned'))).toEqual([])
		expect([...keys]).toEqual([EXECUTION_TOKEN])
		const daemon = Number(output.patchSet?.patches.find(({ file }) => file === 'daemon.pid')?.block)
		expect(daemon).toBeGreaterThan(0)
		expect(existsSync(`/proc/${daemon}/cwd`)).toBe(false)
	}, 60_000)

	it('changes nothing and says so', async () => {
		expect((await run(agent, 'NOTHING to do')).error).toMatchObject({ code: 'NO_CHANGES', retryable: false })
	}, 60_000)

	it('gets no answer', async () => {
		expect((await run(agent, 'SILENT', { stallMs: 2500 })).error).toMatchObject({ code: 'AGENT_STALLED' })
	}, 60_000)
})
