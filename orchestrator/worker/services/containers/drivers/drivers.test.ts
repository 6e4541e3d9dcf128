import { describe, expect, it } from 'vitest'
import { isNoInstance } from '@shared/container-load-balancer'
import type { InstanceRef } from '@shared/container-load-balancer'
import { createFakeProcessHost } from '../../../../test/support/fakeProcessHost.ts'
import { POOL_BINDINGS, POOL_HOST_URL } from '../../../../test/support/pools.ts'
import { createRunnerEnvironment } from '../runnerEnvironment.ts'
import { createTokens } from '../../security/tokens.ts'
import { createCloudflareContainersDriver } from './cloudflareContainers.ts'
import type { ContainerPort } from './cloudflareContainers.ts'
import { createDriver } from './createDriver.ts'
import { createProcessHostDriver } from './processHost.ts'

const instance: InstanceRef = { instanceId: 'runner-0', platformName: 'runner-0', generation: 3, instanceType: 'lite', port: 8080 }

describe('the driver of a process host', () => {
	const driverTo = (fetch: typeof globalThis.fetch, token: string = POOL_BINDINGS.POOL_HOST_TOKEN) => createProcessHostDriver({ url: `${POOL_HOST_URL}/`, token, workerName: 'my:pool', tokenOf: async ({ instanceId }) => `token of ${instanceId}`, fetch })

	it('starts, probes, lists, stops and destroys, each as often as it likes', async () => {
		const host = createFakeProcessHost()
		const driver = driverTo(host.fetch)
		expect(await driver.probe(instance)).toEqual({ kind: 'gone', exitCode: null })
		await driver.start(instance)
		await driver.start(instance)
		expect(host.runner('my:pool', 'runner-0')).toMatchObject({ instanceId: 'runner-0', generation: 3, runnerToken: 'token of runner-0' })
		expect(await driver.probe(instance)).toEqual({ kind: 'answered', statusCode: 200, latencyMs: 1 })
		expect(await driver.list([])).toEqual(['runner-0'])
		expect(await driver.stop(instance, 'SIGTERM')).toBe(false)
		expect(await driver.stop(instance, 'SIGKILL')).toBe(true)
		expect(await driver.probe(instance)).toEqual({ kind: 'gone', exitCode: 0 })
		await driver.destroy(instance)
		await driver.destroy(instance)
		expect(await driver.list([])).toEqual([])
	})

	it('says what the host refused', async () => {
		const driver = driverTo(createFakeProcessHost().fetch, 'another token')
		await expect(driver.list([])).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('who are you?') })
	})

	it.each([
		['no JSON', 'hello'],
		['another shape', '{"names":"all"}'],
		['a name that is too long', JSON.stringify({ names: ['x'.repeat(201)] })],
		['an answer without end', `{"names":["${'x'.repeat(2_000_000)}`],
	])('takes no list that is %s', async (_what, body) => {
		await expect(driverTo(async () => new Response(body)).list([])).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('one version') })
	})

	it('believes no probe of another kind', async () => {
		await expect(driverTo(async () => Response.json({ kind: 'fine' })).probe(instance)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
	})
})

describe('the driver of containers of the platform', () => {
	/** A container as the class behind it would answer. */
	function open(change: Partial<ContainerPort> = {}) {
		const calls: string[] = []
		const world = { isRunning: false, exitCode: null as number | null, environment: {} as Readonly<Record<string, string>> }
		const port: ContainerPort = {
			async startRunner(environment) {
				calls.push('start')
				Object.assign(world, { isRunning: true, exitCode: null, environment })
			},
			async signalRunner(number) {
				calls.push(`signal ${number}`)
				if (number === 9) Object.assign(world, { isRunning: false, exitCode: 137 })
			},
			async destroyRunner() {
				calls.push('destroy')
				world.isRunning = false
			},
			runnerState: async () => ({ isRunning: world.isRunning, exitCode: world.exitCode }),
			runnerHealth: async () => ({ statusCode: 200, text: 'ok' }),
			...change,
		}
		const tokens = createTokens({ key: POOL_BINDINGS.TOKEN_SIGNING_KEY, now: () => 1_800_000_000_000 })
		const environment = createRunnerEnvironment({ tokens, workerName: 'factory' })
		const driver = createCloudflareContainersDriver({ containerOf: () => port, environmentOf: environment.of, now: () => 0 })
		return { driver, calls, world, tokens }
	}

	it('starts what does not run, with a token for this container', async () => {
		const { driver, calls, world, tokens } = open()
		expect(await driver.probe(instance)).toEqual({ kind: 'gone', exitCode: null })
		await driver.start(instance)
		await driver.start(instance)
		expect(calls).toEqual(['start'])
		const { ORCHESTRATOR_TOKEN = '', ...others } = world.environment
		expect(others).toEqual({ WORKER_NAME: 'factory', CONTAINER_NAME: 'runner-0', HEALTH_PORT: '8080', VIBEHQ_POOL: 'member' })
		expect(await tokens.verify(ORCHESTRATOR_TOKEN)).toMatchObject({ kind: 'runner', workerName: 'factory', containerName: 'runner-0' })
		expect(await driver.probe(instance)).toEqual({ kind: 'answered', statusCode: 200, latencyMs: 0 })
		expect(await driver.list([instance])).toEqual(['runner-0'])
	})

	it('tells it to stop, then kills it', async () => {
		const { driver, calls, world } = open()
		expect(await driver.stop(instance, 'SIGTERM')).toBe(true)
		await driver.start(instance)
		expect(await driver.stop(instance, 'SIGTERM')).toBe(false)
		expect(await driver.stop(instance, 'SIGKILL')).toBe(false)
		expect(await driver.stop(instance, 'SIGKILL')).toBe(true)
		await driver.destroy(instance)
		expect(calls).toEqual(['start', 'signal 15', 'signal 9', 'destroy'])
		expect(world.exitCode).toBe(137)
		expect(await driver.probe(instance)).toEqual({ kind: 'gone', exitCode: 137 })
	})

	it('never asks a container that does not run, since that would start it', async () => {
		const { driver } = open({ runnerHealth: () => Promise.reject(new Error('was asked')) })
		expect(await driver.probe(instance)).toMatchObject({ kind: 'gone' })
	})

	it('tells ill from silent, and hands on the words of a platform without room', async () => {
		const ill = open({ runnerState: async () => ({ isRunning: true, exitCode: null }), runnerHealth: async () => ({ statusCode: 503, text: 'There is no container instance that can be provided' }) })
		const result = await ill.driver.probe(instance)
		expect(result).toMatchObject({ kind: 'answered', statusCode: 503 })
		expect(isNoInstance('detail' in result ? result.detail : '')).toBe(true)
		const silent = open({ runnerState: async () => ({ isRunning: true, exitCode: null }), runnerHealth: () => Promise.reject(new Error('the container is not listening')) })
		expect(await silent.driver.probe(instance)).toEqual({ kind: 'silent', detail: 'the container is not listening' })
		const full = open({ startRunner: () => Promise.reject(new Error('Maximum number of running container instances exceeded')) })
		const error: unknown = await full.driver.start(instance).catch((thrown: unknown) => thrown)
		expect(isNoInstance(error)).toBe(true)
	})
})

describe('a driver that lacks a setting', () => {
	const tokens = createTokens({ key: POOL_BINDINGS.TOKEN_SIGNING_KEY, now: () => 1 })
	const environment = createRunnerEnvironment({ tokens, workerName: 'factory' })
	const deps = { workerName: 'factory', hostURL: POOL_HOST_URL, hostToken: undefined, containerOf: null, environment, fetch: globalThis.fetch, now: () => 0 }

	it.each(['process-host', 'cloudflare'] as const)('%s: takes nothing to have ended', async (kind) => {
		const driver = createDriver(kind, deps)
		for (const call of [() => driver.start(instance), () => driver.stop(instance, 'SIGKILL'), () => driver.destroy(instance), () => driver.probe(instance), () => driver.list([])]) {
			await expect(call()).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
		}
	})

	it('starts nothing where nothing is to be started', async () => {
		await expect(createDriver('none', deps).start(instance)).rejects.toMatchObject({ code: 'NOT_CONFIGURED' })
		expect(await createDriver('none', deps).list([])).toEqual([])
	})
})
