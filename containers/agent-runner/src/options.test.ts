import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'

const read = (args: string[], env: Record<string, string> = {}) => readOptions(args, env, async () => ' token-from-stdin\n')
const URL_ARGS = ['--orchestrator-url', 'http://127.0.0.1:1/', '--token-stdin']

describe('readOptions', () => {
	it('takes the command line before the environment', async () => {
		const env = { ORCHESTRATOR_URL: 'http://other', ORCHESTRATOR_TOKEN: 'token-from-env', WORKER_NAME: 'worker', CONTAINER_NAME: 'box', VIBEHQ_CACHE: '/var/cache/vibehq', VIBEHQ_POOL: 'external' }
		expect(await read([...URL_ARGS, '--worker-name', 'mine', '--providers', 'codex,claude', '--once'], env)).toMatchObject({
			orchestratorURL: 'http://127.0.0.1:1',
			runnerToken: 'token-from-stdin',
			workerName: 'mine',
			containerName: 'box',
			concurrency: 1,
			isolation: 'auto',
			isTrusted: false,
			isOnce: true,
			pool: 'external',
			providers: ['codex', 'claude'],
			cacheDir: '/var/cache/vibehq',
		})
		expect(await read([], env)).toMatchObject({ runnerToken: 'token-from-env', orchestratorURL: 'http://other', providers: ['codex', 'claude', 'gemini', 'copilot', 'cursor'] })
	})

	it('hides the cache, its own checkout and the token file from agents', async () => {
		const { hidden } = await read([...URL_ARGS.slice(0, 2), '--token-file', import.meta.filename, '--cache-dir', '/c'])
		expect(hidden).toEqual(['/c/', expect.stringMatching(/^\/.+\/$/), import.meta.filename])
	})

	it.each<[string[], RegExp]>([
		[['--orchestrator-url', 'http://h', '--token-file', '/nonexistent/token'], /token file/],
		[['--orchestrator-url', 'http://h'], /no runner token/],
		[[...URL_ARGS, '--concurrency', '0'], /concurrency/],
		[[...URL_ARGS, '--concurrency', '1.5'], /concurrency/],
		[[...URL_ARGS, '--providers', 'codex,hal'], /providers/],
		[[...URL_ARGS, '--isolation', 'none'], /isolation/],
		[[...URL_ARGS, '--worker-name', 'a b'], /name/],
		[[...URL_ARGS, '--pool', 'mine'], /pool/],
		[[...URL_ARGS, '--bogus'], /usage/],
		[['--token-stdin'], /orchestrator-url/],
		[['--token-stdin', '--orchestrator-url', 'ftp://h'], /orchestrator-url/],
		[['--token-stdin', '--orchestrator-url', 'http://user:pass@h'], /orchestrator-url/],
	])('refuses %j', async (args, message) => {
		await expect(read(args)).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(message) })
	})
})
