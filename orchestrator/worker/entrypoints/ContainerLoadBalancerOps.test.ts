import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createFakeProcessHost } from '../../test/support/fakeProcessHost.ts'
import { chooseInstance, withOneRetry } from '@shared/container-load-balancer'
import { forgetPools, request, tokenOf } from '../../test/support/poolDoors.ts'
import type { Env } from '../env.ts'
import { ContainerLoadBalancerOps } from './ContainerLoadBalancerOps.ts'

/** The entrypoint as the binding of a Worker reaches it. */
const boundTo = (props: object) => new ContainerLoadBalancerOps(Object.assign(createExecutionContext(), { props }), env as unknown as Env)
const factory = boundTo({ workerName: 'bound' })
const stranger = boundTo({ workerName: 'stranger' })
const host = createFakeProcessHost()

// Pools take their time, and machines theirs.
vi.setConfig({ testTimeout: 30_000 })

beforeAll(() => {
	vi.stubGlobal('fetch', host.fetch)
})
afterAll(async () => {
	await forgetPools(['bound', 'stranger'])
	vi.unstubAllGlobals()
	vi.resetConfig()
})

it('keeps the pool of the Worker that calls', async () => {
	expect(await factory.scaleContainers(1)).toMatchObject({ workerName: 'bound', manualTarget: 1 })
	await vi.waitFor(async () => expect(await factory.getContainerStatus()).toMatchObject({ instances: [{ instanceId: 'runner-0', state: 'running' }] }), 10_000)
	expect(await factory.healthCheck('runner-0')).toMatchObject({ isHealthy: true })
	expect(await factory.restartContainer('runner-0', { force: true })).toMatchObject({ instanceId: 'runner-0' })
	await vi.waitFor(async () => expect(await factory.getContainerStatus()).toMatchObject({ instances: [{ state: 'running', generation: 2 }] }), 10_000)
	expect(await stranger.getContainerStatus()).toMatchObject({ workerName: 'stranger', instances: [] })
	expect(await factory.scaleContainers(0)).toMatchObject({ target: 0 })
	await vi.waitFor(() => expect(host.running('bound')).toEqual([]), 10_000)
	expect(await factory.scaleContainers(null)).toMatchObject({ manualTarget: null })
})

it('tells a Worker enough to send requests to the containers of its pool', async () => {
	const runner = await tokenOf('runner', 'stranger')
	const say = (path: string, body: object) => request(runner, 'POST', `/api/containers/${path}`, body)
	for (const [instanceId, inFlight] of [['busy', 3], ['free', 0]] as const) {
		await say('register', { instanceId, port: 9000 })
		await say(`${instanceId}/heartbeat`, { inFlight })
	}
	/** As in the README of the package. */
	async function send(method: string, isDown: (instanceId: string) => boolean) {
		const { instances } = await stranger.getContainerStatus()
		return withOneRetry({
			method,
			choose: (exclude) => chooseInstance(instances, { random: () => 0, exclude }),
			send: async ({ instanceId, port }) => {
				if (isDown(instanceId)) throw new Error('connection refused')
				return `${instanceId}:${port}`
			},
		})
	}
	const isDown = (instanceId: string) => instanceId === 'free'
	expect(await send('POST', () => false)).toBe('free:9000')
	expect(await send('GET', isDown)).toBe('busy:9000')
	await expect(send('POST', isDown)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
	await request(await tokenOf('operator', 'console'), 'POST', '/api/containers/free/drain?worker=stranger')
	expect(await send('POST', () => false)).toBe('busy:9000')
})

it.each([
	['a negative size', () => factory.scaleContainers(-1), 'INVALID_INPUT'],
	['half a container', () => factory.scaleContainers(0.5), 'INVALID_INPUT'],
	['a size as text', () => factory.scaleContainers('1' as never), 'INVALID_INPUT'],
	['no size', () => factory.scaleContainers(undefined as never), 'INVALID_INPUT'],
	['endless containers', () => factory.scaleContainers(Number.POSITIVE_INFINITY), 'INVALID_INPUT'],
	['more than there may be', () => factory.scaleContainers(5), 'INVALID_INPUT'],
	['a pool of a Worker that has none', () => stranger.scaleContainers(1), 'INVALID_INPUT'],
	['a container of another Worker', () => stranger.restartContainer('runner-0'), 'NOT_FOUND'],
	['a look at a container of another Worker', () => stranger.healthCheck('runner-0'), 'NOT_FOUND'],
	['an id that is none', () => factory.restartContainer('../x'), 'INVALID_INPUT'],
	['an id that is an object', () => factory.healthCheck({} as never), 'INVALID_INPUT'],
	['options that are not known', () => factory.restartContainer('runner-0', { worker: 'doors' } as never), 'INVALID_INPUT'],
	['a caller without a name', () => boundTo({}).getContainerStatus(), 'UNAUTHENTICATED'],
])('ORCHESTRATOR_LOAD_BALANCER refuses %s', async (_what, call, code) => {
	await expect(call()).rejects.toMatchObject({ code })
})
