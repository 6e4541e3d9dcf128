import { sql as raw } from 'kysely'
import { describe, expect, it, vi } from 'vitest'
import { sql } from './client.ts'
import { prepared } from './prepared.ts'

describe('prepared', () => {
	const build = vi.fn(({ id, now }: { id: string; now: number }) => sql.updateTable('container_tasks').set({ updated_at: now, priority: 7 }).where('task_id', '=', id).where(raw<boolean>`run_after <= ${now}`))

	it('builds once, and binds the values of each call at their places', () => {
		const statement = prepared(build)
		const [first, second] = [statement({ id: 'CTK-1', now: 1 }), statement({ id: 'CTK-2', now: 2 })]
		expect(second.compile().parameters).toEqual([2, 7, 'CTK-2', 2])
		expect(first.compile().parameters).toEqual([1, 7, 'CTK-1', 1])
		expect(first.compile().sql).toBe(build({ id: 'CTK-1', now: 1 }).compile().sql)
		expect(build).toHaveBeenCalledTimes(2)
	})

	it.each([
		['JSON', ({ ids }: { ids: string }) => raw`select ${JSON.stringify([ids])}`],
		['text', ({ ids }: { ids: string }) => raw`select ${`${ids}!`}`],
		['arithmetic', ({ ids }: { ids: string }) => raw`select ${Number(ids) + 1}`],
	])('refuses to be made from a value: %s', (_name, make) => {
		const statement = prepared((values: { ids: string }) => sql.selectNoFrom(make(values).as('x')))
		expect(() => statement({ ids: 'a' }).compile()).toThrow('The value ids of a prepared statement was used for more than binding it.')
	})
})
