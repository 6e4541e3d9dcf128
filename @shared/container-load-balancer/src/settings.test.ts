import { describe, expect, it } from 'vitest'
import { isNoInstance } from './ports.ts'
import { PoolSettings } from './settings.ts'

const names = { workerName: 'factory', containerName: 'runner' }

describe('PoolSettings', () => {
	it('needs only names', () => {
		expect(PoolSettings.parse(names)).toMatchObject({ min: 0, max: 5, instanceType: 'standard-1', maxParallelStarts: 2 })
	})

	it.each([
		{},
		{ workerName: 'factory' },
		{ ...names, containerName: 'a b' },
		{ ...names, min: 6 },
		{ ...names, max: -1 },
		{ ...names, max: 1001 },
		{ ...names, max: '3' },
		{ ...names, maxx: 3 },
		{ ...names, probeIntervalMs: 0 },
		{ ...names, idleMs: -1 },
		{ ...names, backoffMs: Number.NaN },
	])('refuses %j', (settings) => {
		expect(PoolSettings.safeParse(settings).success).toBe(false)
	})
})

it('knows what platforms say when they have no room', () => {
	expect(isNoInstance(new Error('There is no Container instance that can be provided to this Durable Object, try again later'))).toBe(true)
	expect(isNoInstance('Failed to start container: Maximum number of running container instances exceeded. Try again later')).toBe(true)
	expect(isNoInstance('you are requesting too many containers per second')).toBe(true)
	expect(isNoInstance(new Error('the container is not listening'))).toBe(false)
	expect(isNoInstance(undefined)).toBe(false)
})
