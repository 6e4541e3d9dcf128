import { describe, expect, it } from 'vitest'
import { parsePools, poolOfWorker } from './poolConfig.ts'
import { maxCostUsd } from './prices.ts'

describe('CONTAINER_POOLS', () => {
	it('says what differs from the defaults', () => {
		const pools = parsePools(JSON.stringify({ factory: { max: 7, driver: 'cloudflare', containerName: 'agent', capabilities: ['codex'] }, other: {} }))
		expect(poolOfWorker(pools, 'factory')).toMatchObject({ driver: 'cloudflare', capabilities: ['codex'], settings: { workerName: 'factory', containerName: 'agent', max: 7, min: 0 } })
		expect(poolOfWorker(pools, 'other')).toMatchObject({ driver: 'process-host', capabilities: null, settings: { workerName: 'other', containerName: 'runner', max: 5 } })
		expect(poolOfWorker(pools, 'nobody')).toMatchObject({ driver: 'none', settings: { workerName: 'nobody', max: 0 } })
		expect(poolOfWorker(parsePools('{}'), 'constructor')).toMatchObject({ driver: 'none' })
	})

	it.each([
		['nothing', ''],
		['no JSON', '{'],
		['a list', '[]'],
		['a name with a space', '{"a b":{}}'],
		['a pool that is a number', '{"a":3}'],
		['a driver that is not known', '{"a":{"driver":"docker"}}'],
		['capabilities as text', '{"a":{"capabilities":"codex"}}'],
		['a negative size', '{"a":{"max":-1}}'],
		['a size as text', '{"a":{"max":"3"}}'],
		['a setting that is not known', '{"a":{"maximum":3}}'],
		['a least above the most', '{"a":{"min":3,"max":2}}'],
		['too many pools', JSON.stringify(Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`p${index}`, {}])))],
	])('is refused as %s', (_what, text) => {
		expect(() => parsePools(text)).toThrow(expect.objectContaining({ code: 'NOT_CONFIGURED', message: expect.stringContaining('CONTAINER_POOLS') }))
	})

	it('is refused with the place of what is wrong', () => {
		expect(() => parsePools('{"good":{},"bad":{"probeIntervalMs":1}}')).toThrow('bad.probeIntervalMs')
	})
})

it('prices an hour of an instance by its type', () => {
	expect(maxCostUsd('standard-1', 3600)).toBeCloseTo(3600 * (0.5 * 0.00002 + 4 * 0.0000025 + 8 * 0.00000007), 10)
	expect(maxCostUsd('lite', 0)).toBe(0)
	expect(maxCostUsd('constructor', 1)).toBeNull()
})
