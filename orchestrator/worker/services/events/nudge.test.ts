import { expect, it } from 'vitest'
import { createNudge, noNudge } from './nudge.ts'

const LINE = ['test', 'execution.test', 7]
const WORK = ['orchestrator.queue', 'queue.submitted']

/** Requests of one isolate; nudges leave when the test lets the time of their requests go on. */
function createIsolate() {
	const pending = noNudge()
	const state = { now: 1000, sent: [] as boolean[], heardBy: { people: true, runners: true }, slept: [] as number[], sleepers: [] as (() => void)[], work: [] as Promise<unknown>[] }
	const request = (notify = async (hasWork: boolean) => {
		state.sent.push(hasWork)
		return state.heardBy
	}) =>
		createNudge({ notify, now: () => state.now, sleep: (ms) => {
			state.slept.push(ms)
			return new Promise((resolve) => state.sleepers.push(resolve))
		}, waitUntil: (promise) => state.work.push(promise), pending })
	const settle = async () => {
		for (const wakeUp of state.sleepers.splice(0)) wakeUp()
		await Promise.all(state.work.splice(0))
	}
	return { state, request, settle }
}

it('sends one nudge for what several requests write at a time, and another one for what comes later', async () => {
	const { state, request, settle } = createIsolate()
	const [one, two] = [request(), request()]
	one(LINE)
	two(LINE)
	one(LINE)
	expect(state.sent).toEqual([])
	await settle()
	expect(state.sent).toEqual([false])
	two(LINE)
	await settle()
	expect(state.sent).toEqual([false, false])
})

it('does not let work wait for other lines, and sends nothing for those that it carries along', async () => {
	const { state, request, settle } = createIsolate()
	const nudge = request()
	nudge(LINE)
	nudge(WORK)
	nudge([...LINE, ...WORK])
	nudge(LINE)
	expect(state.sleepers).toHaveLength(2)
	await settle()
	expect(state.sent).toEqual([false, true])
})

it('does not believe for long in a nudge whose request was cut off', async () => {
	const { state, request, settle } = createIsolate()
	request()(LINE)
	state.sleepers.length = 0
	state.work.length = 0
	state.now += 50
	request()(LINE)
	expect(state.sleepers).toHaveLength(0)
	state.now += 71
	request()(LINE)
	await settle()
	expect(state.sent).toEqual([false])
})

it('is sent rarely while nobody but runners listens, but for work', async () => {
	const { state, request, settle } = createIsolate()
	state.heardBy = { people: false, runners: true }
	for (const values of [LINE, LINE, WORK]) {
		request()(values)
		await settle()
	}
	state.heardBy = { people: true, runners: true }
	request()(LINE)
	await settle()
	request()(LINE)
	await settle()
	expect(state.slept).toEqual([20, 500, 2, 500, 20])
})

it('gathers work while nobody listens at all, except what comes after a pause', async () => {
	const { state, request, settle } = createIsolate()
	state.heardBy = { people: false, runners: false }
	for (const pauseMs of [0, 5, 5, 101]) {
		state.now += pauseMs
		request()(WORK)
		await settle()
	}
	expect(state.slept).toEqual([2, 100, 100, 2])
	expect(state.sent).toEqual([true, true, true, true])
})

it('does no harm to the request when the hub is away', async () => {
	const { state, request, settle } = createIsolate()
	request(() => Promise.reject(new Error('no hub')))(LINE)
	await settle()
	request()(LINE)
	await settle()
	expect(state.sent).toEqual([false])
})
