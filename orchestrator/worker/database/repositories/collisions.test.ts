import { env } from 'cloudflare:workers'
import { beforeEach, expect, it } from 'vitest'
import { createDatabase } from '../client.ts'
import { collisionsQuery, listCollisions, saveCollisions } from './collisions.ts'
import type { NewCollision } from './collisions.ts'
import { closeFootprints, writeFootprints } from './footprints.ts'

const db = createDatabase(env.DB)
const WORKSPACE = 'wsp-000000000001'
const collision = (change: Partial<NewCollision> = {}): NewCollision => ({
	workspaceId: WORKSPACE, first: 'A', second: 'B', path: 'a.ts', kind: 'overlap', ranges: [[1, 2]], isCertain: true, answer: 'warned', ...change,
})
const save = (...collisions: NewCollision[]) => saveCollisions(db, collisions, { workerName: 'w', at: 7 })
const list = async (filter: Partial<Parameters<typeof listCollisions>[1]>) => (await listCollisions(db, { limit: 10, ...filter })).map(({ view }) => view)

beforeEach(async () => {
	await env.DB.batch(['patch_footprints', 'patch_collisions', 'operation_logs'].map((table) => env.DB.prepare(`delete from ${table}`)))
})

it('keeps one row a pair and path, up to date, and who was told to wait', async () => {
	await save(collision(), collision({ path: 'b.ts', kind: 'adjacent', isCertain: false }))
	await saveCollisions(db, [collision({ kind: 'rename', ranges: [], answer: 'ordered' })], { workerName: 'other', at: 8 })
	expect(await save(collision({ answer: 'warned' }))).toEqual([
		{ workspaceId: WORKSPACE, subjectIds: ['A', 'B'], path: 'a.ts', kind: 'overlap', ranges: [[1, 2]], isCertain: true, answer: 'ordered', isOpen: true, foreseenAt: 7 },
	])
	expect(await list({ workspaceId: WORKSPACE })).toMatchObject([{ path: 'b.ts', kind: 'adjacent', isCertain: false, answer: 'warned' }, { path: 'a.ts' }])
})

it('takes none, and many at once', async () => {
	expect(await save()).toEqual([])
	expect(await save(...Array.from({ length: 2000 }, (_, index) => collision({ path: `f${index}` })))).toHaveLength(2000)
})

it('lists those of a workspace, of a subject, and of both', async () => {
	await db.batch(['A', 'B', 'C'].flatMap((subjectId) => writeFootprints({ subject: { subjectId, workspaceId: WORKSPACE, branch: 'main', baseCommit: null }, source: 'declared', footprints: [{ path: 'a.ts', ranges: [] }], workerName: 'w', at: 1 })))
	await save(collision(), collision({ second: 'C' }), collision({ first: 'B', second: 'C' }), collision({ workspaceId: 'wsp-000000000002', first: 'X', second: 'Y' }))
	const pairs = async (filter: Parameters<typeof list>[0]) => (await list(filter)).map(({ subjectIds }) => subjectIds.join(''))
	expect(await pairs({ workspaceId: WORKSPACE })).toEqual(['BC', 'AC', 'AB'])
	expect(await pairs({ subjectId: 'B' })).toEqual(['BC', 'AB'])
	expect(await pairs({ subjectId: 'B', workspaceId: WORKSPACE })).toEqual(['BC', 'AB'])
	expect(await pairs({ subjectId: 'B', workspaceId: 'wsp-000000000002' })).toEqual([])
	expect(await pairs({ subjectId: 'nobody' })).toEqual([])
	const [first] = await listCollisions(db, { subjectId: 'B', limit: 1 })
	expect(await pairs({ subjectId: 'B', before: first?.id })).toEqual(['AB'])
})

it('says of a collision whether both are still in flight', async () => {
	await db.batch(['A', 'B'].flatMap((subjectId) => writeFootprints({ subject: { subjectId, workspaceId: WORKSPACE, branch: 'main', baseCommit: null }, source: 'declared', footprints: [{ path: 'a.ts', ranges: [] }], workerName: 'w', at: 1 })))
	await save(collision())
	expect(await list({ subjectId: 'A' })).toMatchObject([{ isOpen: true }])
	await db.run(closeFootprints({ subjectId: 'B', at: 2 }))
	expect(await list({ subjectId: 'A' })).toMatchObject([{ isOpen: false }])
})

it.each([
	['a workspace', { workspaceId: WORKSPACE }],
	['a subject', { subjectId: 'A', before: 9 }],
])('reads the collisions of %s by index, without sorting', async (_whose, filter) => {
	const { sql: text, parameters } = collisionsQuery({ limit: 10, ...filter }).compile()
	const { results } = await env.DB.prepare(`explain query plan ${text}`).bind(...parameters).all<{ detail: string }>()
	const plan = results.map((row) => row.detail).join('; ')
	expect(plan).toMatch(/SEARCH patch_collisions USING INDEX patch_collisions_of_workspace/)
	expect(plan).not.toMatch(/SCAN|TEMP B-TREE/)
})
