import { expect, it } from 'vitest'
import { createNudge } from './nudge.ts'
import type { PendingNudge } from './nudge.ts'

/** Requests of one isolate; a nudge leaves when the test lets the clock of its request go on. */
function createIsolate() {
	const pending: PendingNudge = { until: 0 }
	const state = { now: 1000, sent: 0, wakeUps: [] as (() => void)[], work: [] as Promise<unknown>[] }
	const request = (notify = async () => void state.sent++) =>
		createNudge({ notify, now: () => state.now, sleep: () => new Promise((resolve) => state.wakeUps.push(resolve)), waitUntil: (promise) => state.work.push(promise), pending })
	const settle = async () => {
		for (const wakeUp of state.wakeUps.splice(0)) wakeUp()
		await Promise.all(state.work.splice(0))
	}
	return { state, request, settle }
}

it('sends one nudge for what several requests write at a time, and another one for what comes later', async () => {
	const { state, request, settle } = createIsolate()
	const [one, two] = [request(), request()]
	one()
	two()
	one()
	expect(state.sent).toBe(0)
	await settle()
	expect(state.sent).toBe(1)
	two()
	await settle()
	expect(state.sent).toBe(2)
})

it('does not believe for long in a nudge whose request was cut off', async () => {
	const { state, request, settle } = createIsolate()
	request()()
	state.wakeUps.length = 0
	state.work.length = 0
	state.now += 50
	request()()
	expect(state.wakeUps).toHaveLength(0)
	state.now += 51
	request()()
	await settle()
	expect(state.sent).toBe(1)
})

it('does no harm to the request when the hub is away', async () => {
	const { state, request, settle } = createIsolate()
	request(() => Promise.reject(new Error('no hub')))()
	await settle()
	request()()
	await settle()
	expect(state.sent).toBe(1)
})
