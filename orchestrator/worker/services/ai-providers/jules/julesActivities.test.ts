import { describe, expect, it } from 'vitest'
import type { ActivityCursor } from './julesActivities.ts'
import { createJulesClient } from './julesClient.ts'

interface Stored {
	id: string
	createTime: string
	changed?: string
}

/** Lists what is stored as the API does: after a time, without that time, and `pageSize` at most. */
function listing(stored: Stored[]) {
	const queries: URLSearchParams[] = []
	const client = createJulesClient({
		fetch: async (input) => {
			const query = new URL(String(input)).searchParams
			queries.push(query)
			const after = /^create_time > "(.+)"$/.exec(query.get('filter') ?? '')?.[1]
			const wanted = stored.filter(({ createTime }) => after === undefined || Date.parse(createTime) > Date.parse(after))
			const start = Number(query.get('pageToken') ?? 0)
			const end = start + Number(query.get('pageSize'))
			return Response.json({ activities: wanted.slice(start, end).map(resource), ...(end < wanted.length ? { nextPageToken: String(end) } : {}) })
		},
		apiKey: 'k',
		baseURL: 'https://jules.example',
		sleep: async () => undefined,
		now: () => 0,
	})
	const list = async (after: ActivityCursor | null) => {
		const { activities, next } = await client.listActivities({ session: '1', after })
		// A workflow keeps the cursor as JSON.
		return { ids: activities.map(({ id }) => id), next: JSON.parse(JSON.stringify(next)), activities }
	}
	return { list, queries }
}

const resource = ({ id, createTime, changed }: Stored) => ({
	name: `sessions/1/activities/${id}`,
	createTime,
	originator: 'agent',
	progressUpdated: {},
	...(changed === undefined ? {} : { artifacts: [{ changeSet: { gitPatch: { unidiffPatch: changed } } }] }),
})

const second = (value: number, fraction = '') => `2026-01-26T10:00:0${value}${fraction}Z`

describe('listActivities', () => {
	it('gives what comes later with the time of the last one', async () => {
		const stored = [{ id: 'a', createTime: second(1) }]
		const { list, queries } = listing(stored)
		const first = await list(null)
		stored.push({ id: 'b', createTime: second(1) }, { id: 'c', createTime: second(1, '.000000001') })
		const next = await list(first.next)
		expect([first.ids, next.ids]).toEqual([['a'], ['b', 'c']])
		expect(queries.map((query) => query.get('filter'))).toEqual([null, 'create_time > "2026-01-26T10:00:00.000Z"'])
		expect((await list(next.next)).ids).toEqual([])
	})

	it('gives what is listed late by less than a second', async () => {
		const stored = [{ id: 'a', createTime: second(1) }, { id: 'b', createTime: second(5) }]
		const { list } = listing(stored)
		const { next } = await list(null)
		stored.splice(1, 0, { id: 'late', createTime: second(4, '.500') })
		const after = await list(next)
		expect(after.ids).toEqual(['late'])
		expect((await list(after.next)).ids).toEqual([])
	})

	it('remembers the ids of the last second only', async () => {
		const stored = Array.from({ length: 130 }, (_, index) => ({ id: `a${index}`, createTime: new Date(Date.UTC(2026, 0, 26) + index * 250).toISOString() }))
		const { ids, next } = await listing(stored).list(null)
		expect(ids).toEqual(stored.map(({ id }) => id))
		expect(next).toEqual({ at: Date.UTC(2026, 0, 26) + 129 * 250, seenIds: ['a125', 'a126', 'a127', 'a128', 'a129'] })
	})

	it('keeps the cursor while nothing comes, and has none before anything did', async () => {
		const { list } = listing([])
		expect(await list(null)).toEqual({ ids: [], next: null, activities: [] })
		const cursor = { at: Date.UTC(2026, 0, 26), seenIds: ['a'] }
		expect((await list(cursor)).next).toEqual(cursor)
	})

	it('holds one patch, the newest', async () => {
		const stored = Array.from({ length: 120 }, (_, index) => ({ id: `a${index}`, createTime: second(1), ...(index < 119 ? { changed: `patch ${index}` } : {}) }))
		const { activities } = await listing(stored).list(null)
		const kinds = activities.map(({ artifacts }) => artifacts[0]?.kind)
		expect(kinds.slice(0, 118)).toEqual(Array(118).fill('olderChangeSet'))
		expect(activities[118]?.artifacts).toMatchObject([{ kind: 'changeSet', changeSet: { unidiffPatch: 'patch 118' } }])
	})
})
