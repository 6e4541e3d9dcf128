import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { createDatabase, sql } from './client.ts'
import { appendLog } from './repositories/operationLogs.ts'

it('runs a batch all or nothing', async () => {
	const db = createDatabase(env.DB)
	const line = { source: 'test', operation: 'a', workerName: 'w', at: 1 }
	const broken = sql.insertInto('workspaces').values({ id: 'w', kind: 'hosted', repository: 'r', default_branch: 'main', worker_name: 'w' })
	await db.batch([broken])
	await expect(db.batch([appendLog(line), broken])).rejects.toThrow(/UNIQUE/)
	expect(await db.all(sql.selectFrom('operation_logs').selectAll())).toEqual([])
})

it('tells of every write that appended to the log, once it is stored, and of no other', async () => {
	const line = { source: 'test', operation: 'b', workerName: 'w', at: 1 }
	const count = async () => (await createDatabase(env.DB).all(sql.selectFrom('operation_logs').select('id').where('operation', '=', 'b'))).length
	const seen: Promise<number>[] = []
	const values: unknown[] = []
	const db = createDatabase(env.DB, (written) => {
		seen.push(count())
		values.push(...written)
	})
	await db.run(appendLog(line))
	await db.batch([sql.deleteFrom('workspaces'), appendLog(line), appendLog(line)])
	await db.batch([sql.deleteFrom('workspaces')])
	await db.all(sql.selectFrom('operation_logs').selectAll())
	await db.run(sql.deleteFrom('workspaces'))
	expect(await Promise.all(seen)).toEqual([1, 3])
	expect(values.filter((value) => value === 'b')).toHaveLength(3)
})
