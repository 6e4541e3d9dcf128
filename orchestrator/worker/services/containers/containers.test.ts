import { env } from 'cloudflare:workers'
import { AppError } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../../database/client.ts'
import { terminalCallOf } from '../terminals/terminalRequest.ts'
import { createContainers } from './containers.ts'
import { parsePools } from './poolConfig.ts'
import type { PoolObject } from './poolObject.ts'

/** The service over objects that answer as told. */
function open(answers: Partial<PoolObject> = {}) {
	const nudged: string[] = []
	const unanswered = () => Promise.reject(new Error('nobody asks for this here'))
	const object: PoolObject = {
		status: unanswered, scale: unanswered, restart: unanswered, drain: unanswered, healthCheck: unanswered, register: unanswered, heartbeat: unanswered, platformNameOf: unanswered,
		nudge: async (name) => {
			nudged.push(name)
			if (name === 'a') throw new Error('away')
		},
		...answers,
	}
	const pools = parsePools(JSON.stringify({ own: {}, a: {}, b: { driver: 'cloudflare', instanceType: 'lite' }, externals: { driver: 'none', max: 0 } }))
	const containerOf = (platformName: string) => ({ fetch: async (request: Request) => Response.json({ platformName, call: terminalCallOf(request), protocol: request.headers.get('sec-websocket-protocol') }) })
	const containers = createContainers({ db: createDatabase(env.DB), now: () => 1, poolOf: () => object, containerOf, pools, snapshots: { health: () => Promise.reject(new Error('not here')) }, workerName: 'own' })
	return { containers, nudged }
}

describe('pools are told of work', () => {
	it('all that start containers, whether one is away or not', async () => {
		const { containers, nudged } = open()
		await containers.nudge()
		expect(nudged).toEqual(['own', 'a', 'b'])
	})

	it('that of a Worker, or the one for all others, each once', async () => {
		const { containers, nudged } = open()
		await containers.nudge(['b', 'nobody', 'somebody', 'externals'])
		expect(nudged).toEqual(['b', 'own'])
	})
})

it('prices what the platform bills, and nothing else', async () => {
	const status = async (workerName: string) => ({ workerName, target: 0, manualTarget: null, learnedCap: null, usageSeconds: { lite: 100, unlisted: 1 }, instances: [] })
	const { containers } = open({ status })
	expect(await containers.usage('a')).toMatchObject({ maxCostUsd: 0, items: [{ maxCostUsd: 0 }, { maxCostUsd: 0 }] })
	const billed = await containers.usage('b')
	expect(billed).toMatchObject({ workerName: 'b', maxCostUsd: null, items: [{ instanceType: 'lite', seconds: 100 }, { instanceType: 'unlisted', maxCostUsd: null }] })
	expect(billed.items[0]?.maxCostUsd).toBeCloseTo(100 * (0.00002 / 16 + 0.0000025 / 4 + 2 * 0.00000007), 10)
})

it.each([
	['an object that moves', Object.assign(new Error('reset because its code was updated'), { retryable: true }), 'UNAVAILABLE'],
	['an object with too much to do', Object.assign(new Error('overloaded'), { overloaded: true }), 'UNAVAILABLE'],
	['a refusal', new AppError('NOT_FOUND', 'no'), 'NOT_FOUND'],
	['a refusal of another process', new Error('AppError INVALID_INPUT: no'), 'INVALID_INPUT'],
	['a mistake', new TypeError('x is undefined'), undefined],
])('names the failure of %s', async (_what, error, code) => {
	const { containers } = open({ status: () => Promise.reject(error) })
	const thrown: unknown = await containers.status('a').catch((each: unknown) => each)
	expect((thrown as { code?: string }).code).toBe(code)
})

describe('a terminal', () => {
	const terminal = { size: { cols: 80, rows: 24 }, sessionId: undefined, expiresAt: 9, hasProtocol: true }

	it('is opened at the container of the instance, with who asked', async () => {
		const { containers } = open({ platformNameOf: async (worker, instance) => `${worker}-${instance}-2` })
		const answer = await containers.openTerminal({ workerName: 'b', by: 'operator:ann' }, 'runner-0', terminal)
		expect(await answer.json()).toEqual({ platformName: 'b-runner-0-2', call: { size: { cols: 80, rows: 24 }, expiresAt: 9, by: 'operator:ann' }, protocol: 'vibehq.v1' })
	})

	it('is not where runners are no containers of the platform, nor where the pool has no such instance', async () => {
		const { containers } = open({ platformNameOf: () => Promise.reject(new AppError('NOT_FOUND', 'no instance')) })
		await expect(containers.openTerminal({ workerName: 'a', by: 'x' }, 'runner-0', terminal)).rejects.toMatchObject({ code: 'TERMINAL_UNAVAILABLE' })
		await expect(containers.openTerminal({ workerName: 'b', by: 'x' }, 'runner-0', terminal)).rejects.toMatchObject({ code: 'NOT_FOUND' })
	})
})
