import { env } from 'cloudflare:workers'
import type { Compilable } from 'kysely'
import { describe, expect, it } from 'vitest'
import { assignmentsOfTaskQuery } from './assignments.ts'
import { executionQuery, executionsOfTaskQuery, executionsQuery, forgottenExecutionsQuery, settleExecution } from './executions.ts'
import { executionOfSessionQuery, julesStartsQuery, runningJulesQuery } from './julesSessions.ts'
import { landingsOfPathQuery } from './landedFiles.ts'
import { executionLogQuery } from './operationLogs.ts'
import { ordersQuery, settleOrder, tasksOfOrderQuery } from './orders.ts'
import { forgottenBatchesQuery } from './patchBatches.ts'
import { patchSetsQuery } from './patchSets.ts'
import { costOfOrderQuery, landedSetsQuery } from './pullRequests.ts'
import { unclaimedTasksQuery } from './unclaimedTasks.ts'
import { dueDeliveriesQuery, forgetPushes } from './webhookDeliveries.ts'

async function planOf(query: Compilable<unknown>): Promise<string> {
	const { sql, parameters } = query.compile()
	const { results } = await env.DB.prepare(`explain query plan ${sql}`).bind(...parameters).all<{ detail: string }>()
	return results.map((row) => row.detail).join('; ')
}

describe('no hot query reads a whole table or sorts', () => {
	it.each([
		['an execution', executionQuery('EXE-1'), /SEARCH ai_provider_executions USING INDEX sqlite_autoindex/],
		['executions of a task', executionsOfTaskQuery('TSK-1'), /INDEX ai_provider_executions_of_task/],
		['newest executions', executionsQuery({ limit: 50 }), /INDEX ai_provider_executions_newest/],
		['the next page of executions', executionsQuery({ limit: 50, before: [1, 'EXE-1'] }), /INDEX ai_provider_executions_newest/],
		['forgotten executions', forgottenExecutionsQuery(1, 100), /INDEX ai_provider_executions_open/],
		['settling an execution', settleExecution({ executionId: 'EXE-1', status: 'failed', at: 1 }), /SEARCH ai_provider_executions USING INDEX sqlite_autoindex/],
		['the log of an execution', executionLogQuery('EXE-1', 0, 100), /INDEX operation_logs_of_execution/],
		['newest orders', ordersQuery({ limit: 50 }), /INDEX orders_newest/],
		['newest orders of a Worker', ordersQuery({ workerName: 'w', limit: 50 }), /INDEX orders_of_worker/],
		['tasks of orders', tasksOfOrderQuery(['ORD-1', 'ORD-2']), /INDEX tasks_of_order/],
		['assignments of a task', assignmentsOfTaskQuery('TSK-1'), /INDEX ai_provider_assignments_of_task/],
		['patch sets of a workspace', patchSetsQuery({ workspaceId: 'wsp-1', limit: 50, before: [1, 'PST-1'] }), /INDEX patch_sets_of_workspace/],
		['landings of a path', landingsOfPathQuery({ workspaceId: 'wsp-1', branch: 'b', path: 'p', limit: 10 }), /INDEX patch_landed_files_of_path.*INDEX patch_batches_of_set/],
		['forgotten batches', forgottenBatchesQuery(1, 100), /INDEX patch_batches_open/],
		['the state of an order from its tasks', settleOrder({ orderId: 'ORD-1', at: 1 }), /INDEX tasks_of_order/],
		['landed sets of an order', landedSetsQuery({ orderId: 'ORD-1', limit: 10 }), /INDEX patch_sets_of_order.*SEARCH run USING INDEX sqlite_autoindex/],
		['the cost of an order', costOfOrderQuery('ORD-1'), /INDEX tasks_of_order.*INDEX ai_provider_executions_of_task/],
		['deliveries to try again', dueDeliveriesQuery({ since: 1, now: 2, forgottenBefore: 1, limit: 10 }), /INDEX webhook_deliveries_newest/],
		['old pushes', forgetPushes(1), /INDEX webhook_deliveries_newest/],
		['the execution of a Jules session', executionOfSessionQuery('1'), /INDEX jules_sessions_name/],
		['starts of Jules sessions', julesStartsQuery(1), /INDEX jules_sessions_started/],
		['running Jules sessions', runningJulesQuery(), /e USING .*INDEX ai_provider_executions_open.*SEARCH j USING INDEX sqlite_autoindex/],
		['tasks that nobody claims', unclaimedTasksQuery(1, 50), /INDEX container_tasks_of_status/],
	] as const)('%s', async (_name, query, index) => {
		const plan = await planOf(query as Compilable<unknown>)
		expect(plan).toMatch(index)
		expect(plan).not.toMatch(/SCAN (?!\w+ USING)|TEMP B-TREE/)
	})
	it('is a test that can fail', async () => {
		const { sql } = await import('../client.ts')
		expect(await planOf(sql.selectFrom('orders').selectAll().where('prompt', '=', 'x').orderBy('prompt'))).toMatch(/SCAN|TEMP B-TREE/)
	})
})
