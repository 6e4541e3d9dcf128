import { env } from 'cloudflare:workers'
import type { RouteDecision } from '@shared/contracts'
import { expect, it } from 'vitest'
import { createDatabase } from '../client.ts'
import { assignmentsOfTask, assignmentsOfTaskQuery, insertAssignment } from './assignments.ts'

const db = createDatabase(env.DB)
const route = (provider: RouteDecision['provider']): RouteDecision => ({ provider, model: null, mode: 'automatic', reason: 'r', chain: ['gemini'], candidates: [], decidedAt: 5 })

it('keeps every decision of a task, oldest first', async () => {
	const origin = { workerName: 'w' }
	await db.batch([
		insertAssignment({ taskId: 'TSK-1', route: route('codex'), executionId: null, status: 'assigned', origin, at: 1 }),
		insertAssignment({ taskId: 'TSK-2', route: route('claude'), executionId: null, status: 'assigned', origin, at: 2 }),
		insertAssignment({ taskId: 'TSK-1', route: route('jules'), executionId: 'EXE-1', status: 'executing', origin, at: 3 }),
	])
	expect(await assignmentsOfTask(db, 'TSK-1')).toEqual([
		{ taskId: 'TSK-1', provider: 'codex', status: 'assigned', executionId: null, route: route('codex'), createdAt: 1 },
		{ taskId: 'TSK-1', provider: 'jules', status: 'executing', executionId: 'EXE-1', route: route('jules'), createdAt: 3 },
	])
})

it('reads its index and sorts nothing', async () => {
	const { sql, parameters } = assignmentsOfTaskQuery('TSK-1').compile()
	const { results } = await env.DB.prepare(`explain query plan ${sql}`).bind(...parameters).all<{ detail: string }>()
	expect(results.map((row) => row.detail)).toEqual(['SEARCH ai_provider_assignments USING INDEX ai_provider_assignments_of_task (task_uuid=?)'])
})
