import type { WorkflowStep } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '@shared/contracts'
import { createDurableRun, Failed, parkedUntil } from './durableRun.ts'
import type { Parked } from './durableRun.ts'

const START = Date.parse('2026-11-20T12:00:00Z')
const HOUR_MS = 3_600_000

beforeEach(() => void vi.useFakeTimers({ now: START }))
afterEach(() => void vi.useRealTimers())

/** Steps as the engine takes them, without its waits: each result is kept by name, and a wait moves the clock on. */
function createSteps() {
	const results = new Map<string, unknown>()
	const waits: [string, number][] = []
	const step = {
		async do(name: string, _config: object, work: (context: { attempt: number }) => Promise<unknown>) {
			if (!results.has(name)) results.set(name, await work({ attempt: 1 }))
			return results.get(name)
		},
		async waitForEvent(name: string, { timeout }: { timeout: number }) {
			waits.push([name, timeout])
			vi.setSystemTime(Date.now() + timeout)
			throw new Error('timed out')
		},
	}
	return { step: step as unknown as WorkflowStep, results, waits }
}

const limited = (retryAt: unknown) => new AppError('RATE_LIMITED', 'too many calls', { retryAt })

describe('a step that fails until a known moment', () => {
	it('parks until then, tells so, and is taken again', async () => {
		const { step, results, waits } = createSteps()
		const told: Parked[] = []
		const { take } = createDurableRun(step, { onParked: async (parked) => void told.push(parked) })
		const answers: (() => number)[] = [() => { throw limited(START + 90_000) }, () => 7]
		expect(await take('push', async () => answers.shift()?.() ?? 0)).toBe(7)
		expect(waits).toEqual([['push: pause 0', 90_000]])
		expect(told).toMatchObject([{ step: 'push', until: START + 90_000, failure: { code: 'RATE_LIMITED' } }])
		expect([...results.keys()]).toEqual(['push', 'push: after pause 1'])
	})

	it('fails with the reason when the pauses would take hours on end', async () => {
		const { step, waits } = createSteps()
		const { take } = createDurableRun(step, { onParked: async () => undefined })
		const failure = await take('push', async () => { throw limited(Date.now() + HOUR_MS) }).catch((error: unknown) => error)
		expect(failure).toBeInstanceOf(Failed)
		expect((failure as Failed).failure.code).toBe('RATE_LIMITED')
		expect(waits).toHaveLength(6)
	})

	it('fails at once when no retry can help, whatever moment it names', async () => {
		const { step, waits } = createSteps()
		const { take } = createDurableRun(step, { onParked: () => expect.unreachable('must not park') })
		await expect(take('push', async () => { throw new AppError('PATCH_POLICY', 'no', { retryAt: START + 1 }) })).rejects.toBeInstanceOf(Failed)
		expect(waits).toEqual([])
	})

	it('leaves it to the engine when the moment is not a number', async () => {
		const { step } = createSteps()
		const { take } = createDurableRun(step, { onParked: () => expect.unreachable('must not park') })
		await expect(take('push', async () => { throw limited('soon') })).rejects.toMatchObject({ code: 'RATE_LIMITED' })
	})
})

describe('until when a step waits', () => {
	it.each([
		['the moment it was told', START + 5000, 0, START + 5000],
		['longer each time, when the moment has passed', START - 1, 0, START + 1000],
		['longer each time, when the moment has passed', START - 1, 4, START + 16_000],
		['not at all without a moment', undefined, 0, null],
		['not for most of a day', START + 7 * HOUR_MS, 0, null],
		['not when it was too often', START, 30, null],
	])('is %s', (_what, retryAt, pause, until) => {
		expect(parkedUntil(retryAt, { at: START, pause, firstAt: START })).toBe(until)
	})
})
