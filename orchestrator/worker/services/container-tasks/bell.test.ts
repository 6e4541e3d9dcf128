import { expect, it } from 'vitest'
import type { ContainerTask } from '@shared/contracts'
import { ringBell, ringCount, takeWaiting, waitForBell } from './bell.ts'
import type { WaitOptions } from './bell.ts'

const never = () => new Promise<void>(() => undefined)
const take = (...tasks: ContainerTask[]) => takeWaiting(() => tasks, never)
const task = (priority: number) => ({ priority, taskId: `CTK-${priority}` }) as ContainerTask
const wait = (since: number, priority?: number, options: Partial<WaitOptions> = {}) =>
	waitForBell(since, { now: 0, timeoutMs: 1, sleep: never, claim: { wants: (each) => priority === undefined || each.priority === priority, isFresh: () => true, statements: () => [] }, ...options })

it('wakes everybody who waits', async () => {
	const since = ringCount()
	const waiting = Promise.all([wait(since), wait(since)])
	ringBell()
	expect(await waiting).toEqual([{ isMeant: false }, { isMeant: false }])
})

it('means each task for one who wants it, the longest waiting first', async () => {
	const since = ringCount()
	const waiting = Promise.all([wait(since, 1), wait(since, 2), wait(since, 2), wait(since, 2)])
	ringBell([task(2), task(2), task(3)])
	expect((await waiting).map(({ isMeant }) => isMeant)).toEqual([false, true, true, false])
})

it('does not miss a ring between looking and waiting', async () => {
	const since = ringCount()
	ringBell([task(1)])
	expect(await wait(since)).toEqual({ isMeant: false })
	expect(ringCount()).toBe(since + 1)
})

it('gives up when the time is over', async () => {
	expect(await wait(ringCount(), undefined, { sleep: async () => undefined })).toEqual({ isMeant: false })
})

it('hands a task over to who has waited longest for one like it, and to nobody else', async () => {
	const since = ringCount()
	const [other, first, second] = [wait(since, 1), wait(since, 2), wait(since, 2)]
	const taken = await take(task(3), task(2))
	expect(taken).toMatchObject({ taskId: 'CTK-2' })
	ringBell([task(2)])
	taken?.end([['a row']])
	expect(await first).toEqual({ isMeant: true, rows: [['a row']] })
	expect(await Promise.all([other, second])).toEqual([{ isMeant: false }, { isMeant: true }])
	expect(await take(task(2))).toBeUndefined()
})

it('takes nobody who was cut off and does not answer, nor one that asked long ago', async () => {
	const claim = { wants: () => true, isFresh: () => true, statements: () => [] }
	const silent = wait(ringCount(), 1, { claim: { ...claim, statements: () => new Promise(() => undefined) as never } })
	expect(await takeWaiting(() => [task(1)], async () => undefined)).toBeUndefined()
	expect(await silent).toEqual({ isMeant: false })
	const old = wait(ringCount(), 1, { claim: { ...claim, isFresh: () => false } })
	expect(await take(task(1))).toBeUndefined()
	ringBell([task(1)])
	expect(await old).toEqual({ isMeant: true })
})

it('takes nobody who may be gone', async () => {
	const gone = wait(ringCount(), 1, { claim: { wants: () => true, isFresh: () => true, statements: () => undefined } })
	expect(await take(task(1))).toBeUndefined()
	expect(await gone).toEqual({ isMeant: false })
})

it('forgets who was cut off while it waited', async () => {
	const cutOff = wait(ringCount(), 1)
	const later = wait(ringCount(), 2, { now: 60_000 })
	expect(await take(task(1))).toBeUndefined()
	ringBell()
	await later
	expect(await Promise.race([cutOff, new Promise((resolve) => setTimeout(resolve, 5, 'still asleep'))])).toBe('still asleep')
})

it('waits beyond its time for a claim that was taken, but not for ever', async () => {
	const sleeps: { ms: number; end: () => void }[] = []
	const sleep = (ms: number) => new Promise<void>((resolve) => void sleeps.push({ ms, end: resolve }))
	const options = { timeoutMs: 25, sleep }
	const [kept, cutOff] = [wait(ringCount(), 1, options), wait(ringCount(), 2, options)]
	const taken = await take(task(1))
	await take(task(2))
	for (const { end } of sleeps.splice(0)) end()
	await Promise.resolve()
	taken?.end([])
	expect(await kept).toEqual({ isMeant: true, rows: [] })
	await expect.poll(() => sleeps.map(({ ms }) => ms)).toContain(10_000)
	for (const { end } of sleeps) end()
	expect(await cutOff).toEqual({ isMeant: false })
})
