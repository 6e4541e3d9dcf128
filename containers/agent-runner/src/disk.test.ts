import { expect, it, vi } from 'vitest'
import { createDisk } from './disk.ts'

it('waits for room, says once that there is none, and once that there is', async () => {
	vi.useFakeTimers()
	try {
		const log = vi.fn()
		let free = 1024
		const disk = createDisk({ path: '/runs', log, freeBytes: async () => free })
		let isThere = false
		const room = disk.room(new AbortController().signal).then(() => {
			isThere = true
		})
		await vi.advanceTimersByTimeAsync(20_000)
		expect([isThere, disk.hasRoom()]).toEqual([false, false])
		free = 2 ** 30
		await vi.advanceTimersByTimeAsync(5000)
		await room
		expect([isThere, disk.hasRoom()]).toEqual([true, true])
		expect(log.mock.calls.map(([event]) => event)).toEqual(['disk-full', 'disk-has-room'])
	} finally {
		vi.useRealTimers()
	}
})

it('waits no longer than the runner lives, and asks the real disk', async () => {
	const control = new AbortController()
	const waiting = createDisk({ path: '/runs', log: () => {}, freeBytes: async () => 0 }).room(control.signal)
	control.abort()
	await expect(waiting).rejects.toThrow()
	await createDisk({ path: import.meta.dirname, log: () => {} }).room(new AbortController().signal)
})
