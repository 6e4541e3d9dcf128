import { env } from 'cloudflare:workers'
import type { PatchSet } from '@shared/contracts'
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../test/landing/memoryStore.ts'
import { createDatabase, sql } from '../../database/client.ts'
import { eventsOfPatchSet, patchEventsQuery } from '../../database/repositories/patchEvents.ts'
import { patchSetOfExecutionQuery, patchSetQuery } from '../../database/repositories/patchSets.ts'
import { createPatchStore } from './patchStore.ts'

const db = createDatabase(env.DB)
const origin = { workerName: 'runner', containerName: 'box-1' }
const store = createPatchStore({ db, outputs: env.OUTPUTS, storeFor: async () => createMemoryStore().store, now: () => 1000 })

let count = 0
/** A set of its own, whose body has about this many bytes. */
function setOf(bytes = 100, more: Partial<PatchSet> = {}): PatchSet {
	count += 1
	const number = String(count)
	return {
		patch_set_id: `PST-${number.padStart(16, '0')}`,
		task_id: 'TSK-000000000000',
		execution_id: `EXE-${number.padStart(16, '0')}`,
		order_id: 'ORD-000000',
		base_commit: 'a'.repeat(40),
		files: [{ path: 'é', change: 'create', mode: '100644', base_blob: null, result_blob: 'b'.repeat(40) }],
		patches: [{ task_id: 'TSK-000000000000', file: 'é', operation: 'append', block: 'é'.repeat(bytes / 2), metadata: { provider: 'codex' } }],
		summary: 'done',
		metadata: { provider: 'codex' },
		...more,
	}
}

async function save(set: PatchSet) {
	const { statements, record } = await store.storeStatements(set, origin)
	await db.batch(statements)
	return record
}

describe('storing', () => {
	it.each([
		['in the row', 100, null],
		['in the bucket when it is long', 600_000, 'patch-sets/'],
	])('keeps the set %s, and reads it back', async (_where, bytes, key) => {
		const set = setOf(bytes)
		const record = await save(set)
		expect(record.objectKey?.slice(0, 11) ?? null).toBe(key)
		expect(record.body === null).toBe(key !== null)
		expect(record).toMatchObject({ status: 'stored', orderId: 'ORD-000000', fileCount: 1, patchCount: 1 })
		expect(await store.load(set.patch_set_id)).toEqual(set)
		expect(await store.ofExecution(set.execution_id)).toEqual(set)
	})

	it.each([100, 600_000])('takes a repeat of %i bytes for what it is', async (bytes) => {
		const set = setOf(bytes)
		const first = await store.storeStatements(set, origin)
		const second = await store.storeStatements(set, origin)
		await db.batch(first.statements)
		await db.batch(second.statements)
		expect((await store.storeStatements(set, origin)).statements).toEqual([])
		expect((await eventsOfPatchSet(db, set.patch_set_id)).map(({ eventType }) => eventType)).toEqual(['stored'])
		expect(await store.load(set.patch_set_id)).toEqual(set)
	})

	it.each([100, 600_000])('refuses other content under the same id (%i bytes), and keeps the first', async (bytes) => {
		const set = setOf(bytes)
		await save(set)
		await expect(save({ ...set, summary: 'another' })).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
		expect(await store.load(set.patch_set_id)).toEqual(set)
	})

	it('refuses other content also when both were prepared before either was stored', async () => {
		const set = setOf()
		const first = await store.storeStatements(set, origin)
		const second = await store.storeStatements({ ...set, summary: 'another' }, origin)
		await db.batch(first.statements)
		await expect(db.batch(second.statements)).rejects.toThrow(/NOT NULL/)
		expect(await store.load(set.patch_set_id)).toEqual(set)
		const long = setOf(600_000)
		await store.storeStatements(long, origin)
		await expect(store.storeStatements({ ...long, summary: 'another' }, origin)).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
	})

	it('goes by the execution for order and task, and needs one of both', async () => {
		const { order_id: _order, ...anonymous } = setOf()
		await expect(store.storeStatements(anonymous, origin)).rejects.toMatchObject({ code: 'PATCH_INVALID' })
		const row = { provider_name: 'codex', provider_type: 'cli', input: '{}', status: 'completed', phase: 'settled', route: '{}', worker_name: 'w', completed_at: 1 }
		await db.run(sql.insertInto('ai_provider_executions').values({ ...row, execution_id: anonymous.execution_id, order_id: 'ORD-111111', task_uuid: 'TSK-111111111111' }))
		expect(await save({ ...anonymous, order_id: 'ORD-FORGED' })).toMatchObject({ orderId: 'ORD-111111', taskId: 'TSK-111111111111' })
	})

	it('writes who it was', async () => {
		const set = setOf()
		await save(set)
		expect(await db.first(patchSetQuery(set.patch_set_id))).toMatchObject({ worker_name: 'runner', container_name: 'box-1', created_at: 1000 })
	})
})

describe('loading', () => {
	it('says what is missing', async () => {
		await expect(store.load('PST-ZZZZZZZZZZZZZZZZ')).rejects.toMatchObject({ code: 'PATCH_NOT_FOUND' })
		expect(await store.ofExecution('EXE-ZZZZZZZZZZZZZZZZ')).toBeNull()
		await expect(store.diffOf('EXE-ZZZZZZZZZZZZZZZZ')).rejects.toMatchObject({ code: 'PATCH_NOT_FOUND' })
	})

	it('proves what it reads', async () => {
		const changed = setOf()
		await save(changed)
		await db.run(sql.updateTable('patch_sets').set({ body: JSON.stringify({ ...changed, summary: 'x' }) }).where('patch_set_id', '=', changed.patch_set_id))
		await expect(store.load(changed.patch_set_id)).rejects.toMatchObject({ code: 'PATCH_CORRUPT' })
		const gone = setOf(600_000)
		await save(gone)
		await env.OUTPUTS.delete(`patch-sets/${gone.patch_set_id}.json`)
		await expect(store.load(gone.patch_set_id)).rejects.toMatchObject({ code: 'PATCH_CORRUPT', message: expect.stringContaining('gone') })
	})

	it('leaves out a set that came too late', async () => {
		const set = setOf()
		const late = setOf(100, { execution_id: set.execution_id })
		await save(set)
		await db.batch((await store.storeStatements(late, origin, { status: 'evidence' })).statements)
		expect(await store.ofExecution(set.execution_id)).toEqual(set)
	})
})

it.each([
	['patch_sets by execution', patchSetOfExecutionQuery('EXE'), 'patch_sets_of_execution'],
	['patch_sets by id', patchSetQuery('PST'), 'sqlite_autoindex_patch_sets_1'],
	['patch_events by set', patchEventsQuery('PST', 10), 'patch_events_of_patch'],
])('%s uses its index', async (_name, query, index) => {
	const { sql: text, parameters } = query.compile()
	const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`).bind(...parameters).all<{ detail: string }>()
	expect(results.map(({ detail }) => detail).join('; ')).toContain(index)
})
