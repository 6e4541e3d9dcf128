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
