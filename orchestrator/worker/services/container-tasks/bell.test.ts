import { expect, it } from 'vitest'
import { ringBell, ringCount, waitForBell } from './bell.ts'

const never = new Promise<void>(() => undefined)

it('wakes everybody who waits', async () => {
	const since = ringCount()
	const waiting = Promise.all([waitForBell(since, never), waitForBell(since, never)])
	ringBell()
	expect(await waiting).toHaveLength(2)
})

it('does not miss a ring between looking and waiting', async () => {
	const since = ringCount()
	ringBell()
	await waitForBell(since, never)
	expect(ringCount()).toBe(since + 1)
})

it('gives up when the time is over', async () => {
	await waitForBell(ringCount(), Promise.resolve())
})
