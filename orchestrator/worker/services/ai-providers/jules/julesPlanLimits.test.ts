import { describe, expect, it } from 'vitest'
import { forecastStart, julesBudget } from './julesPlanLimits.ts'

const HOUR = 3_600_000
const NOW = 100 * 24 * HOUR
const free = julesBudget('free')
/** One start an hour, the newest an hour ago. */
const hourly = (count: number) => Array.from({ length: count }, (_, index) => NOW - (index + 1) * HOUR)

describe('forecastStart', () => {
	it.each([
		['nothing was started', [], 0, { mayStart: true, nextSlotAt: NOW, limitedBy: null }],
		['one is left', hourly(14), 2, { mayStart: true, nextSlotAt: NOW, limitedBy: null }],
		['the day is used up', hourly(15), 0, { mayStart: false, nextSlotAt: NOW + 9 * HOUR, limitedBy: 'day' }],
		['more were started than the plan has', hourly(17), 0, { mayStart: false, nextSlotAt: NOW + 9 * HOUR, limitedBy: 'day' }],
		['a start leaves the day at this moment', [...hourly(14), NOW - 24 * HOUR], 0, { mayStart: true, nextSlotAt: NOW, limitedBy: null }],
		['a start leaves the day in a moment', [...hourly(14), NOW - 24 * HOUR + 1], 0, { mayStart: false, nextSlotAt: NOW + 1, limitedBy: 'day' }],
		['old ones do not count', Array(50).fill(NOW - 25 * HOUR), 0, { mayStart: true, nextSlotAt: NOW, limitedBy: null }],
		['as many run as may', hourly(3), 3, { mayStart: false, nextSlotAt: null, limitedBy: 'concurrency' }],
		['both', hourly(15), 3, { mayStart: false, nextSlotAt: NOW + 9 * HOUR, limitedBy: 'day' }],
	])('when %s', (_what, startsAt, running, forecast) => {
		expect(forecastStart({ budget: free, startsAt, running, now: NOW })).toEqual(forecast)
		expect(forecastStart({ budget: free, startsAt: startsAt.toReversed(), running, now: NOW })).toEqual(forecast)
	})

	it('knows the plans', () => {
		expect(julesBudget('free')).toEqual({ perDay: 15, concurrent: 3 })
		expect(julesBudget('pro')).toEqual({ perDay: 100, concurrent: 15 })
		expect(forecastStart({ budget: julesBudget('ultra'), startsAt: hourly(23), running: 15, now: NOW }).mayStart).toBe(true)
	})
})
