import { env } from 'cloudflare:workers'
import type { Compilable } from 'kysely'
import { describe, expect, it } from 'vitest'
import { archivableQuery } from '../../database/repositories/containerTaskArchive.ts'
import { claimStatements, hasWorkQuery, promoteStatement, untidyQuery } from '../../database/repositories/containerTaskClaims.ts'
import { sharedClaimStatements } from '../../database/repositories/containerTaskSharedClaims.ts'
import type { Claimable } from '../../database/repositories/containerTaskChoice.ts'
import { afterCompletions, afterFailures } from '../../database/repositories/containerTaskDependencies.ts'
import { idList } from '../../database/idList.ts'
import { lapsedIds, lapseStatement, logLapse } from '../../database/repositories/containerTaskLapses.ts'
import { countEnd, countEnds, countEndsOf } from '../../database/repositories/containerTaskShares.ts'
import { containerTasksQuery, statusCountQuery } from '../../database/repositories/containerTasks.ts'
import { createFixture } from './testing/fixture.ts'

const claimable: Claimable = { taskTypes: ['command', 'validate'], capabilities: ['codex', 'claude'], workerName: 'w', containerName: 'c1', now: 1, limit: 1, maxRunning: 1000 }
const claimer = { claimId: 'CTK-claim', assignedTo: 'w:c', leaseBase: 'b', leaseMs: 1 }

function prepare(query: Compilable<unknown>, prefix = '') {
	const { sql, parameters } = query.compile()
	return env.DB.prepare(`${prefix}${sql}`).bind(...parameters)
}
const planOf = async (query: Compilable<unknown>) => (await prepare(query, 'explain query plan ').all<{ detail: string }>()).results.map((row) => row.detail).join('\n')

/** The tables of the queue, by every name that the statements give them. */
const SCANS = /SCAN (container_\w+|task|other|edge|share|operation_logs)(?! USING)/
const SORTS = /TEMP B-TREE/
/** All that is pending, or all that has ended. */
const BY_STATUS = /container_tasks_of_(worker_)?status/

describe('query plans', () => {
	const [log, count, claim] = claimStatements(claimable, claimer)
	const [logShared, , claimShared, lookForOwn] = sharedClaimStatements(claimable, [{ ...claimer, containerName: 'c1' }, { ...claimer, containerName: 'c2' }], claimer)
	it.each<[string, Compilable<unknown>]>([
		['choose tasks and log them', log],
		['choose tasks of one Worker', claimStatements({ ...claimable, owner: 'w' }, claimer)[0]],
		['choose fifty', claimStatements({ ...claimable, limit: 50 }, claimer)[0]],
		['choose for several runners', logShared],
		['look for work', hasWorkQuery(claimable)],
	])('%s: from lane to lane in the claim index', async (_name, query) => {
		const text = await planOf(query)
		expect(text).toMatch(/SEARCH container_tasks USING INDEX container_tasks_claim \(target_worker=\? AND target_container=\? AND task_type=\? AND requires=\? AND worker_name=\?\)/)
		expect(text).toMatch(/SEARCH container_tasks USING INDEX container_tasks_claim \(target_worker=\? AND target_container=\? AND task_type=\? AND requires=\? AND worker_name>\? AND worker_name<\?\)/)
		expect(text).not.toMatch(SCANS)
		expect(text).not.toMatch(BY_STATUS)
	})

	it.each<[string, Compilable<unknown>]>([
		['count a claim', count],
		['claim what was chosen', claim],
		['claim what was chosen for several runners', claimShared],
		['look for what is meant for one of several containers', lookForOwn],
		['claim one task', claimStatements({ ...claimable, taskId: 'CTK-0' }, claimer)[0]],
		['look for what is untidy', untidyQuery(1)],
		['let in what is due', promoteStatement(1, 1)],
		['lapse', lapseStatement(1, 1)],
		['log a lapse', logLapse(1, 1)],
		['count lapses', countEnds(lapsedIds(1, 1), 1)],
		['count an end', countEnd('w', 1)],
		['count ends', countEndsOf(['w', 'v'], 1)],
		['free dependents', afterCompletions('["CTK-0"]', 1)],
		...afterFailures(idList(['CTK-0']), 1).map((query): [string, Compilable<unknown>] => ['fail dependents', query]),
		['find what can be archived', archivableQuery(1, 10)],
	])('%s: by index, and by none that grows with what is pending', async (_name, query) => {
		const text = await planOf(query)
		expect(text).toMatch(/SEARCH/)
		expect(text).not.toMatch(SCANS)
		expect(text).not.toMatch(BY_STATUS)
	})

	it.each([
		['by status', containerTasksQuery({ status: 'pending', limit: 10 }), 'container_tasks_of_status'],
		['by execution', containerTasksQuery({ executionId: 'EXE-0', limit: 10 }), 'container_tasks_of_execution'],
		['of a Worker', containerTasksQuery({ workerName: 'w', limit: 10 }), 'container_tasks_of_worker '],
		['of a Worker by status', containerTasksQuery({ workerName: 'w', status: 'failed', limit: 10 }), 'container_tasks_of_worker_status'],
		['as a count', statusCountQuery('failed', 10), 'container_tasks_of_status'],
		['as a count of a Worker', statusCountQuery('failed', 10, 'w'), 'container_tasks_of_worker_status'],
	])('a list %s sorts nothing', async (_name, query, index) => {
		const text = await planOf(query)
		expect(text).toContain(index)
		expect(text).not.toMatch(SORTS)
		expect(text).not.toMatch(SCANS)
	})

	it.each<[string, Compilable<unknown>]>([
		['choose one', log],
		['choose fifty', claimStatements({ ...claimable, limit: 50 }, claimer)[0]],
		['look for work', hasWorkQuery(claimable)],
		['look for what is untidy', untidyQuery(1)],
	])('%s: made once, so with no limit that is bound by itself', (_name, query) => {
		expect(query.compile().sql).toMatch(/limit /)
		expect(query.compile().sql).not.toMatch(/limit \?/)
	})

	it('are looked at by expressions that can fail', async () => {
		const { sql } = await import('../../database/client.ts')
		const text = await planOf(sql.selectFrom('container_tasks').selectAll().where('error', '=', 'x').orderBy('priority'))
		expect(text).toMatch(SCANS)
		expect(text).toMatch(SORTS)
	})
})

describe('rows that a claim reads', () => {
	const insert = (prefix: string, count: number, columns: Record<string, string>) =>
		env.DB.prepare(
			`insert into container_tasks (task_id, task_type, timeout_ms, ${Object.keys(columns).join(', ')})
			with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count}) select '${prefix}' || i, 'command', 1000, ${Object.values(columns).join(', ')} from n`,
		).run()
	const read = async (change: Partial<Claimable> = {}) => {
		const results = await env.DB.batch(claimStatements({ ...claimable, ...change }, { ...claimer, claimId: crypto.randomUUID() }).map((query) => prepare(query)))
		return { rows: results.reduce((sum, { meta }) => sum + meta.rows_read, 0), taken: results[2]?.results.length }
	}

	it('do not grow with 50,000 pending tasks that the runner may not take', async () => {
		await createFixture()
		await insert('mine', 5, { worker_name: "'w'" })
		const before = await read()
		await insert('lacks', 25_000, { worker_name: "'w' || (i % 7)", requires: "'cap-' || (i % 50)", priority: '5' })
		await insert('other', 15_000, { worker_name: "'w'", target_container: "'gone-' || (i % 1000)", priority: '9' })
		await insert('waits', 5_000, { worker_name: "'w'", run_after: '9000000000000', priority: '9' })
		await insert('blocked', 5_000, { worker_name: "'w'", blocked_by: '1', priority: '9' })
		const after = await read()
		expect([before.taken, after.taken]).toEqual([1, 1])
		expect(after.rows).toBeLessThan(100)
		// One probe more here and there: the empty ends of the lanes have neighbours now.
		expect(after.rows - before.rows).toBeLessThanOrEqual(10)
		expect((await prepare(hasWorkQuery(claimable)).all()).meta.rows_read).toBeLessThan(100)
	})

	it('do not grow with what has ended, nor with the length of the lane', async () => {
		await createFixture()
		await insert('ready', 100, { worker_name: "'w'" })
		const before = await read()
		await insert('more', 20_000, { worker_name: "'w'" })
		await insert('ended', 20_000, { worker_name: "'w'", status: "'completed'", completed_at: '1' })
		expect((await read()).rows - before.rows).toBeLessThanOrEqual(5)
	})

	it('grow with the Workers that have something to do', async () => {
		await createFixture()
		await insert('few', 1000, { worker_name: "'few-' || (i % 10)" })
		const few = await read()
		await insert('many', 9000, { worker_name: "'many-' || (i % 90)" })
		const many = await read()
		expect(many.rows).toBeGreaterThan(few.rows)
		expect(many.rows).toBeLessThan(few.rows * 12)
	})

	it('are as few when a Worker may run no more', async () => {
		await createFixture()
		await insert('flood', 10_000, { worker_name: "'w'" })
		const { rows, taken } = await read({ maxRunning: 0 })
		expect(taken).toBe(0)
		expect(rows).toBeLessThan(60)
	})
})
