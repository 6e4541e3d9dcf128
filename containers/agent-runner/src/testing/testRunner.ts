// For tests only: a runner in this process, against a fake orchestrator, with the stub as every agent.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ResolveCLI } from '../cliSource.ts'
import type { RunnerOptions } from '../options.ts'
import { startRunner } from '../runner.ts'
import type { Runner, RunnerDeps } from '../runner.ts'
import { RUNNER_TOKEN } from './fakeOrchestrator.ts'

export const STUB_PATH = fileURLToPath(new URL('./stubAgent.ts', import.meta.url))

export const resolveStub: ResolveCLI = async () => ({ bin: process.execPath, argvPrefix: [STUB_PATH], version: '0.0.1', env: {}, readOnly: [dirname(STUB_PATH)] })

export interface TestRunner {
	runner: Runner
	cacheDir: string
	logs: { event: string; [key: string]: unknown }[]
	remove(): Promise<void>
}

export async function startTestRunner(orchestratorURL: string, more: Partial<RunnerOptions> = {}, deps: Partial<RunnerDeps> = {}): Promise<TestRunner> {
	const cacheDir = more.cacheDir ?? mkdtempSync(join(tmpdir(), 'vibehq-test-cache-'))
	const logs: TestRunner['logs'] = []
	const options: RunnerOptions = {
		orchestratorURL,
		runnerToken: RUNNER_TOKEN,
		workerName: 'test',
		containerName: 'test',
		concurrency: 1,
		isolation: 'process',
		isTrusted: false,
		cacheDir,
		cliCacheDir: cacheDir,
		providers: ['claude'],
		isOnce: false,
		image: 'none',
		healthPort: null,
		pool: null,
		hidden: [`${cacheDir}/`],
		shown: [],
		...more,
	}
	const runner = await startRunner(options, { log: (event, fields) => logs.push({ event, ...fields }), resolveCLI: resolveStub, ...deps })
	return {
		runner,
		cacheDir,
		logs,
		async remove() {
			await runner.stop()
			rmSync(cacheDir, { recursive: true, force: true })
		},
	}
}
