import { expect, it } from 'vitest'
import type { ContainerTask } from '@shared/contracts'
import { ringBell, ringCount, waitForBell } from './bell.ts'

const never = new Promise<void>(() => undefined)
const anything = { timeout: never, wants: () => true }
const task = (priority: number) => ({ priority }) as ContainerTask

it('wakes everybody who waits', async () => {
	const since = ringCount()
	const waiting = Promise.all([waitForBell(since, anything), waitForBell(since, anything)])
	ringBell()
	expect(await waiting).toEqual([false, false])
})

it('means each task for one who wants it, the longest waiting first', async () => {
	const since = ringCount()
	const wants = (priority: number) => waitForBell(since, { timeout: never, wants: (each) => each.priority === priority })
	const waiting = Promise.all([wants(1), wants(2), wants(2), wants(2)])
	ringBell([task(2), task(2), task(3)])
	expect(await waiting).toEqual([false, true, true, false])
})

it('does not miss a ring between looking and waiting', async () => {
	const since = ringCount()
	ringBell([task(1)])
	expect(await waitForBell(since, anything)).toBe(false)
	expect(ringCount()).toBe(since + 1)
})

it('gives up when the time is over', async () => {
	expect(await waitForBell(ringCount(), { ...anything, timeout: Promise.resolve() })).toBe(false)
})
