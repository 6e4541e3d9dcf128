import { env } from 'cloudflare:workers'
import type { LineSpan } from '@shared/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, sql } from '../client.ts'
import { closeFootprints, footprintsQuery, openFootprints, rivalFootprints, rivalsQuery, writeFootprints } from './footprints.ts'
import type { FootprintSource, Subject } from './footprints.ts'

const db = createDatabase(env.DB)
const subject = (subjectId: string, more: Partial<Subject> = {}): Subject => ({ subjectId, workspaceId: 'wsp-000000000001', branch: 'main', baseCommit: null, ...more })
const file = (path: string, ...ranges: LineSpan[]) => ({ path, ranges })

let clock = 1000
async function write(of: Subject | string, source: FootprintSource, ...footprints: ReturnType<typeof file>[]) {
	clock += 1
	await db.batch(writeFootprints({ subject: typeof of === 'string' ? subject(of) : of, source, footprints, workerName: 'w', at: clock }))
}
const openOf = async (subjectId: string) => (await openFootprints(db, subjectId)).map(({ source, path, ranges }) => [source, path, ranges])

beforeEach(async () => {
	await env.DB.batch(['patch_footprints', 'patch_batches', 'ai_provider_executions'].map((table) => env.DB.prepare(`delete from ${table}`)))
})

describe('the footprints of a subject', () => {
	it('give way to those of a more exact source, and to no other', async () => {
		await write('A', 'guessed', file('a'), file('b'))
		await write('A', 'declared', file('b', [1, 9]))
		expect(await openOf('A')).toEqual([['declared', 'b', [[1, 9]]]])
		await write('A', 'guessed', file('a'))
		expect(await openOf('A')).toEqual([['declared', 'b', [[1, 9]]]])
		await write('A', 'observed', file('b', [2, 2]), file('c', [1, 0]))
		await write('A', 'observed', file('c', [1, 0]))
		expect(await openOf('A')).toEqual([['observed', 'c', [[1, 0]]]])
		await write('A', 'patch-set', file('d'))
		await write('A', 'observed', file('e'))
		await write('A', 'declared', file('f'))
		expect(await openOf('A')).toEqual([['patch-set', 'd', []]])
	})

	it('stay declared while nothing was touched, and end with a set that touches nothing', async () => {
		await write('A', 'declared', file('a'))
		await write('A', 'observed')
		expect(await openOf('A')).toEqual([['declared', 'a', []]])
		await write('A', 'patch-set')
		expect(await openOf('A')).toEqual([])
	})

	it('keep when the subject was first seen, whatever is written later', async () => {
		await write('A', 'declared', file('a'))
		const [first] = await openFootprints(db, 'A')
		await write('A', 'observed', file('b'))
		await write('A', 'observed', file('c'))
		await write(subject('A', { branch: 'next', baseCommit: 'c0' }), 'observed', file('c', [3, 4]))
		expect(await openFootprints(db, 'A')).toEqual([{ ...subject('A', { branch: 'next', baseCommit: 'c0' }), source: 'observed', path: 'c', ranges: [[3, 4]], since: first?.since }])
	})

	it('count from when the batch was made', async () => {
		await openBatch('PBT-1', { createdAt: 5 })
		await write('PBT-1', 'patch-set', file('a'))
		expect(await openFootprints(db, 'PBT-1')).toMatchObject([{ since: 5 }])
	})

	it('are not opened again by what comes late', async () => {
		await openBatch('PBT-1', { completedAt: 9 })
		await write('PBT-1', 'observed', file('a'))
		expect(await openOf('PBT-1')).toEqual([])
	})

	it('end when they are closed, others stay', async () => {
		await write('A', 'declared', file('a'))
		await write('B', 'declared', file('a'))
		await db.run(closeFootprints({ subjectId: 'A', at: 1 }))
		expect(await openOf('A')).toEqual([])
		expect(await openOf('B')).toHaveLength(1)
	})

	it('take 500 files with the longest of paths and many places', async () => {
		const long = (index: number) => `${Array.from({ length: 16 }, () => '\u0001'.repeat(254)).join('/')}${index}`
		const spans = Array.from({ length: 200 }, (_, index): LineSpan => [2 ** 31 - index * 2 - 3, 2 ** 31 - index * 2 - 3])
		await write('A', 'observed', ...Array.from({ length: 500 }, (_, index) => file(long(index), ...spans)))
		expect(await openOf('A')).toHaveLength(500)
	})
})

describe('rivals', () => {
	it('are others in flight on the same files of the same workspace', async () => {
		await write('A', 'declared', file('a'), file('b'))
		await write('B', 'declared', file('b', [1, 2]), file('c'))
		await write(subject('C', { branch: 'next' }), 'declared', file('a'))
		await write(subject('D', { workspaceId: 'wsp-000000000002' }), 'declared', file('a'))
		await write('E', 'declared', file('a'))
		await db.run(closeFootprints({ subjectId: 'E', at: 1 }))
		const rivals = await rivalFootprints(db, 'A', 10)
		expect(rivals.map(({ subjectId, path, ranges }) => [subjectId, path, ranges])).toEqual([['C', 'a', []], ['B', 'b', [[1, 2]]]])
		expect(await rivalFootprints(db, 'A', 1)).toHaveLength(1)
	})

	it('are not those that ended without being closed', async () => {
		await openBatch('PBT-1', {})
		await write('PBT-1', 'patch-set', file('a'))
		await write('A', 'declared', file('a'))
		expect(await rivalFootprints(db, 'A', 10)).toHaveLength(1)
		await env.DB.prepare('update patch_batches set completed_at = 9').run()
		expect(await rivalFootprints(db, 'A', 10)).toEqual([])
	})

	it('are found by index', async () => {
		const plan = await planOf(rivalsQuery('A', 10))
		expect(plan).toMatch(/SEARCH own USING INDEX patch_footprints_once/)
		expect(plan).toMatch(/SEARCH rival USING INDEX patch_footprints_open \(workspace_id=\? AND path=\?\)/)
		expect(plan).not.toMatch(/SCAN|TEMP B-TREE/)
		for (const query of [footprintsQuery('A'), closeFootprints({ subjectId: 'A', at: 1 })]) expect(await planOf(query)).toMatch(/^SEARCH \w+( AS own)? USING INDEX patch_footprints_once \(subject_id=\?\)$/)
	})
})

async function planOf(query: { compile: () => { sql: string; parameters: readonly unknown[] } }) {
	const { sql: text, parameters } = query.compile()
	const { results } = await env.DB.prepare(`explain query plan ${text}`).bind(...parameters).all<{ detail: string }>()
	return results.map((row) => row.detail).join('; ')
}

async function openBatch(batchId: string, { createdAt = 1, completedAt = null }: { createdAt?: number; completedAt?: number | null }) {
	await db.run(
		sql.insertInto('patch_batches').values({
			batch_id: batchId, kind: 'apply', patch_set_id: 'PST-1', workspace_id: 'wsp-000000000001', branch: 'main', request_hash: 'h', input: '{}', status: 'pending',
			seen_at: 1, completed_at: completedAt, worker_name: 'w', created_at: createdAt, updated_at: createdAt,
		}),
	)
}
