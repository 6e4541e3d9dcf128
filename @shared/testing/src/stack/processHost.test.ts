import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from './freePort.ts'
import type { HostedRunner, HostedRunnerSpec } from './hostedRunners.ts'
import { startProcessHost } from './processHost.ts'
import type { ProcessHost } from './processHost.ts'

const TOKEN = 'token-of-the-host'
/** A program that answers like a runner, and ends at SIGTERM unless it is told not to listen. */
const PROGRAM = `
const isDeaf = process.argv[2] === 'deaf'
process.on('SIGTERM', () => isDeaf || process.exit(0))
require('node:http').createServer((request, response) => response.writeHead(isDeaf ? 503 : 200).end('of ' + process.argv[2])).listen(Number(process.argv[1]), '127.0.0.1')
`
let host: ProcessHost
let started: HostedRunnerSpec[]

async function start(spec: HostedRunnerSpec): Promise<HostedRunner> {
	started.push(spec)
	if (spec.name === 'broken') throw new Error('it cannot start')
	const port = await freePort()
	const child = spawn(process.execPath, ['-e', PROGRAM, String(port), spec.name], { detached: true, stdio: 'ignore' })
	const exited = new Promise<number | null>((resolve) => void child.once('exit', (code) => resolve(code)))
	const kill = () => {
		if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL')
	}
	return { process: { pid: child.pid ?? 0, child, exited, hasExited: () => child.exitCode !== null || child.signalCode !== null, kill }, healthURL: `http://127.0.0.1:${port}/health` }
}

beforeEach(async () => {
	started = []
	host = await startProcessHost({ token: TOKEN, start, maxRunners: 2 })
})
afterEach(() => host.close())

async function call(method: string, path: string, body?: unknown, token = TOKEN) {
	const answer = await fetch(`${host.url}/pools/${path}`, { method, headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) })
	return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}
const put = (name: string, body: unknown = { instanceId: name, generation: 1, runnerToken: 't' }) => call('PUT', `factory/instances/${name}`, body)
const probe = async (name: string) => (await call('GET', `factory/instances/${name}/probe`)).body
async function until(name: string, kind: string): Promise<Record<string, unknown>> {
	for (;;) {
		const result = await probe(name)
		if (result['kind'] === kind) return result
		await new Promise((resolve) => setTimeout(resolve, 20))
	}
}

describe('the process host', () => {
	it('starts a runner once, tells how it is, and ends it', async () => {
		expect(await probe('runner-0')).toEqual({ kind: 'gone', exitCode: null })
		expect((await Promise.all([put('runner-0'), put('runner-0')])).map(({ status }) => status)).toEqual([200, 200])
		await put('runner-0')
		expect(started).toEqual([{ pool: 'factory', name: 'runner-0', instanceId: 'runner-0', generation: 1, runnerToken: 't' }])
		expect(await until('runner-0', 'answered')).toMatchObject({ statusCode: 200 })
		expect((await call('GET', 'factory/instances')).body).toEqual({ names: ['runner-0'] })
		expect((await call('GET', 'other/instances')).body).toEqual({ names: [] })
		expect((await call('POST', 'factory/instances/runner-0/stop', { signal: 'SIGTERM' })).body).toEqual({ isStopped: false })
		expect(await until('runner-0', 'gone')).toEqual({ kind: 'gone', exitCode: 0 })
		expect((await call('POST', 'factory/instances/runner-0/stop', { signal: 'SIGTERM' })).body).toEqual({ isStopped: true })
		expect((await put('runner-0')).status).toBe(200)
		expect(started).toHaveLength(2)
	})

	it('kills one that does not listen, and forgets what is destroyed', async () => {
		await put('deaf')
		expect(await until('deaf', 'answered')).toMatchObject({ statusCode: 503, detail: 'of deaf' })
		await call('POST', 'factory/instances/deaf/stop', { signal: 'SIGTERM' })
		expect(await probe('deaf')).toMatchObject({ kind: 'answered' })
		await call('POST', 'factory/instances/deaf/stop', { signal: 'SIGKILL' })
		expect(await until('deaf', 'gone')).toEqual({ kind: 'gone', exitCode: null })
		await put('deaf')
		expect((await call('DELETE', 'factory/instances/deaf')).status).toBe(200)
		expect((await call('DELETE', 'factory/instances/deaf')).status).toBe(200)
		expect((await call('GET', 'factory/instances')).body).toEqual({ names: [] })
	})

	it('has room for so many, and says so in the words that the pool knows', async () => {
		const answers = await Promise.all(['a', 'b', 'c'].map((name) => put(name)))
		expect(answers.map(({ status }) => status)).toEqual([200, 200, 503])
		expect(answers[2]?.body['error']).toMatch(/no container instance/)
		await call('DELETE', 'factory/instances/a')
		expect((await put('c')).status).toBe(200)
	})

	it('leaves nothing behind when it closes', async () => {
		await Promise.all([put('runner-0'), put('deaf')])
		await until('deaf', 'answered')
		const pids = ['runner-0', 'deaf'].map((name) => host.runners.find('factory', name)?.pid ?? expect.unreachable())
		await host.runners.stopAll(200)
		for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow()
	})

	it.each([
		['no body', undefined, 400],
		['no JSON', '{', 400],
		['a field that is not known', { instanceId: 'a', generation: 1, runnerToken: 't', command: ['sh'] }, 400],
		['a negative generation', { instanceId: 'a', generation: -1, runnerToken: 't' }, 400],
		['no token', { instanceId: 'a', generation: 1, runnerToken: '' }, 400],
		['an id that is a path', { instanceId: '../a', generation: 1, runnerToken: 't' }, 400],
		['a body that is too long', { instanceId: 'a', generation: 1, runnerToken: 'x'.repeat(20_000) }, 413],
	])('starts nothing for %s', async (_what, body, status) => {
		expect((await call('PUT', 'factory/instances/a', body)).status).toBe(status)
		expect(started).toEqual([])
	})

	it.each([
		['another token', 'GET', 'factory/instances', 401, 'wrong'],
		['a name that is a path', 'GET', 'factory/instances/..%2F..%2Fetc/probe', 400, TOKEN],
		['a name that is badly encoded', 'GET', 'factory/instances/%zz/probe', 400, TOKEN],
		['a pool that is a path', 'GET', '..%2Fx/instances', 400, TOKEN],
		['another verb', 'POST', 'factory/instances/a/exec', 404, TOKEN],
		['another method', 'POST', 'factory/instances', 404, TOKEN],
		['a longer path', 'GET', 'factory/instances/a/probe/more', 404, TOKEN],
	])('refuses %s', async (_what, method, path, status, token) => {
		expect((await call(method, path, undefined, token)).status).toBe(status)
	})

	it('refuses another signal', async () => {
		expect((await call('POST', 'factory/instances/a/stop', { signal: 'SIGSTOP' })).status).toBe(400)
	})

	it('says why a runner could not be started', async () => {
		expect(await put('broken')).toEqual({ status: 500, body: { error: 'it cannot start' } })
		expect(await probe('broken')).toEqual({ kind: 'gone', exitCode: null })
	})
})
