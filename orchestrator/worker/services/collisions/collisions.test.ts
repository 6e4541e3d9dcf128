import { env } from 'cloudflare:workers'
import { AppError } from '@shared/contracts'
import type { PatchSet, ScopeEntry } from '@shared/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, sql } from '../../database/client.ts'
import type { Subject } from '../../database/repositories/footprints.ts'
import { createCollisions } from './collisions.ts'
import { append, BASE, insertAfter, OTHER_BASE, replace, setOf } from './testing/sets.ts'

const db = createDatabase(env.DB)
const WORKSPACE = 'wsp-000000000001'
/** Executions with the numbers 1, 2 and 3; their ids sort against the order in which they are made. */
const exe = (number: number) => `EXE-${String(99 - number).padStart(16, '0')}`
const [A, B, C] = [exe(1), exe(2), exe(3)]
const subject = (subjectId: string, more: Partial<Subject> = {}): Subject => ({ subjectId, workspaceId: WORKSPACE, branch: 'main', baseCommit: BASE, ...more })
const lines = (start: number, end: number, path = 'f'): ScopeEntry[] => [{ path, start, end }]

let clock = 0
let sets = new Map<string, PatchSet>()
let blobs = new Map<string, string>()
const readBlob = async (_workspaceId: string, blob: string) => {
	const text = blobs.get(blob)
	if (text === undefined) throw new AppError('GIT_UPSTREAM', 'the host of the repository does not answer')
	return new TextEncoder().encode(text)
}
const open = () => createCollisions({ db, now: () => ++clock, workerName: 'w', setOf: async (subjectId) => sets.get(subjectId) ?? null, readBlob })
const collisions = open()

const listed = async (subjectId: string) => (await collisions.list({ subjectId })).items
const kinds = async (subjectId: string) => (await listed(subjectId)).map(({ kind, path }) => `${kind} ${path}`)
async function record(subjectId: string, set: PatchSet, more: Partial<Subject> = {}) {
	sets.set(subjectId, set)
	await collisions.record(subject(subjectId, more), set)
}
const logOf = async (executionId: string) => db.all(sql.selectFrom('operation_logs').selectAll().where('execution_id', '=', executionId).orderBy('id'))

beforeEach(async () => {
	clock = 0
	sets = new Map()
	blobs = new Map([[BASE, '1\n2\n3\n4\n5\n6\n7\n']])
	await env.DB.batch(['patch_footprints', 'patch_collisions', 'operation_logs', 'ai_provider_executions'].map((table) => env.DB.prepare(`delete from ${table}`)))
	for (const executionId of [A, B, C]) {
		await db.run(
			sql.insertInto('ai_provider_executions').values({
				execution_id: executionId, provider_name: 'codex', provider_type: 'cli', task_uuid: `TSK-${executionId}`, order_id: 'ORD-000001', input: '{}', status: 'queued', phase: 'queued',
				route: '{}', workspace_id: WORKSPACE, worker_name: 'w', created_at: ++clock, updated_at: clock,
			}),
		)
	}
})

describe('what is foreseen', () => {
	it('is stored, and told once to both executions', async () => {
		await collisions.declare(subject(A), lines(1, 5))
		expect(await listed(A)).toEqual([])
		await collisions.declare(subject(B), lines(4, 9))
		await collisions.declare(subject(B), lines(4, 9))
		expect(await listed(B)).toEqual([
			{ workspaceId: WORKSPACE, subjectIds: [A, B], path: 'f', kind: 'overlap', ranges: [[4, 5]], isCertain: true, answer: 'warned', isOpen: true, foreseenAt: expect.any(Number) },
		])
		for (const [one, other] of [[A, B], [B, A]] as const) {
			const log = await logOf(one)
			expect(log).toMatchObject([{ source: 'orchestrator.collisions', operation: 'collision.foreseen', level: 'warn', order_id: 'ORD-000001', task_uuid: `TSK-${one}`, worker_name: 'w' }])
			expect(JSON.parse(log[0]?.details ?? '')).toEqual({ with: other, path: 'f', kind: 'overlap', ranges: [[4, 5]], isCertain: true })
		}
	})

	it('follows what is known: a guess, a scope, what was touched, what was made', async () => {
		await record(A, setOf({ patches: [replace(2, 3)] }))
		await collisions.guess(subject(B, { baseCommit: null }), 'Mend `f.ts` and src/f.ts, please')
		expect(await kinds(B)).toEqual([])
		await collisions.declare(subject(B, { baseCommit: null }), lines(50, 60))
		expect(await listed(B)).toMatchObject([{ kind: 'overlap', isCertain: false }])
		await collisions.declare(subject(B), lines(4, 9))
		expect(await listed(B)).toMatchObject([{ kind: 'adjacent', isCertain: true }])
		await collisions.observe(subject(B), [{ path: 'f', ranges: [[3, 3]] }])
		expect(await listed(B)).toMatchObject([{ kind: 'overlap', ranges: [[3, 3]], isCertain: true }])
		await record(B, setOf({ id: '2', files: [{ path: 'f', change: 'delete', mode: '100644', base_blob: BASE, result_blob: null }] }))
		expect(await listed(B)).toMatchObject([{ kind: 'delete-modify', ranges: [], isCertain: true }])
		expect(await logOf(B)).toHaveLength(1)
	})

	it('is a guess, told quietly, for a file that a prompt only names', async () => {
		await collisions.observe(subject(A), [{ path: 'src/f.ts', ranges: [[1, 1]] }])
		await collisions.guess(subject(B), 'Mend src/f.ts')
		expect(await listed(B)).toMatchObject([{ kind: 'mentioned', isCertain: false, answer: 'warned' }])
		expect(await logOf(B)).toMatchObject([{ level: 'info' }])
		expect(await collisions.forecast(B)).toMatchObject({ waitFor: [] })
	})

	it('compares sets of different bases by their contents, and says so where it has none', async () => {
		const moved = (id: string, line: number) => setOf({ id, base: OTHER_BASE, files: [{ path: 'f', change: 'modify', mode: '100644', base_blob: OTHER_BASE, result_blob: 'd'.repeat(40) }], patches: [replace(line, line)] })
		await record(A, setOf({ patches: [replace(4, 4)] }))
		await record(B, moved('2', 4))
		expect(await listed(B)).toMatchObject([{ kind: 'overlap', isCertain: false }])
		blobs.set(OTHER_BASE, 'new\nlines\n1\n2\n3\n4\n5\n6\n7\n')
		await record(B, moved('3', 6))
		expect(await listed(B)).toMatchObject([{ kind: 'overlap', ranges: [[4, 4]], isCertain: true }])
		await record(C, moved('4', 4))
		expect((await listed(C)).map(({ subjectIds }) => subjectIds)).toEqual([])
	})

	it('knows where an append goes by the file it is made on', async () => {
		await collisions.observe(subject(A), [{ path: 'f', ranges: [[8, 7]] }])
		await record(B, setOf({ patches: [append()] }))
		expect(await listed(B)).toMatchObject([{ kind: 'overlap', ranges: [[8, 7]] }])
		blobs.clear()
		await record(C, setOf({ id: '3', patches: [append()] }))
		expect((await listed(C)).map(({ subjectIds }) => subjectIds)).toEqual([[B, C]])
	})

	it('is read from lines where a set is gone or contradicts itself', async () => {
		await record(A, setOf({ patches: [replace(2, 3)] }))
		sets.delete(A)
		await record(B, setOf({ id: '2', patches: [insertAfter(2)] }))
		expect(await listed(B)).toMatchObject([{ kind: 'overlap', ranges: [[3, 2]] }])
		await record(C, setOf({ id: '3', patches: [replace(3, 3), { ...replace(1, 1), file: 'unlisted' }] }))
		expect((await listed(C)).map(({ subjectIds, kind }) => [subjectIds, kind])).toEqual(expect.arrayContaining([[[A, C], 'overlap'], [[B, C], 'adjacent']]))
	})

	it('says nothing of other workspaces, nor of what has ended', async () => {
		await collisions.declare(subject(A), lines(1, 5))
		await collisions.declare(subject(C, { workspaceId: 'wsp-000000000002' }), lines(1, 5))
		await collisions.close(A)
		await collisions.declare(subject(B), lines(1, 5))
		expect(await listed(B)).toEqual([])
		expect(await listed(C)).toEqual([])
	})

	it('is found by the one that was there first, too, when it speaks last', async () => {
		await collisions.observe(subject(B), [{ path: 'f', ranges: [[3, 3]] }])
		await collisions.observe(subject(A), [{ path: 'f', ranges: [[1, 3]] }])
		expect(await listed(A)).toMatchObject([{ subjectIds: [A, B], ranges: [[3, 3]] }])
	})

	it('is what whole sets say when it is asked for again', async () => {
		await record(A, setOf({ files: [{ path: 'f', change: 'delete', mode: '100644', base_blob: BASE, result_blob: null }] }))
		await record(B, setOf({ id: '2', patches: [replace(1, 1)] }))
		await record(C, setOf({ id: '2', patches: [replace(1, 1)] }))
		expect(await collisions.forecast(C)).toMatchObject({ waitFor: [A], collisions: [{ subjectIds: [A, C], kind: 'delete-modify' }] })
	})

	it('is recorded once when both are queued at the same moment', async () => {
		for (let round = 0; round < 10; round += 1) {
			await Promise.all([A, B, C].map((one) => open().declare(subject(one), [{ path: `f${round}` }])))
			expect((await kinds(A)).filter((kind) => kind.endsWith(` f${round}`))).toHaveLength(2)
			expect((await kinds(B)).filter((kind) => kind.endsWith(` f${round}`))).toHaveLength(2)
		}
		expect(await logOf(A)).toHaveLength(20)
	})

	it('does not outlive its execution: what comes late opens nothing', async () => {
		await env.DB.prepare('update ai_provider_executions set completed_at = 9 where execution_id = ?').bind(A).run()
		await collisions.observe(subject(A), [{ path: 'f', ranges: [] }])
		await collisions.observe(subject(B), [{ path: 'f', ranges: [] }])
		expect(await listed(B)).toEqual([])
	})
})

describe('whom to wait for', () => {
	it('is whoever was there first, on the same branch, on the same lines', async () => {
		await collisions.declare(subject(C), lines(1, 5))
		await collisions.declare(subject(B), lines(5, 9))
		await collisions.declare(subject(A), lines(5, 5))
		expect((await collisions.forecast(A)).waitFor).toEqual([])
		expect((await collisions.forecast(B)).waitFor).toEqual([A])
		expect((await collisions.forecast(C)).waitFor).toEqual([A, B])
		expect(await listed(C)).toMatchObject([{ answer: 'ordered' }, { answer: 'ordered' }])
		await collisions.close(A)
		expect(await collisions.forecast(C)).toMatchObject({ waitFor: [B], collisions: [{ subjectIds: [B, C], kind: 'overlap', ranges: [[5, 5]], answer: 'ordered' }] })
	})

	it('is nobody on another branch, nor for lines that touch, nor for lines of another base', async () => {
		await collisions.declare(subject(A, { branch: 'next' }), lines(1, 5))
		await collisions.declare(subject(B, { baseCommit: OTHER_BASE }), lines(1, 5))
		await collisions.declare(subject(C), lines(3, 4))
		expect(await collisions.forecast(C)).toMatchObject({ waitFor: [], collisions: [{ answer: 'warned', isCertain: true }, { answer: 'warned', isCertain: false }] })
		await collisions.declare(subject(B), lines(5, 9))
		expect((await collisions.forecast(C)).waitFor).toEqual([])
	})

	it('is nobody who has ended, even where nobody closed it', async () => {
		await collisions.declare(subject(A), lines(1, 5))
		await collisions.declare(subject(B), lines(1, 5))
		await env.DB.prepare('update ai_provider_executions set completed_at = 9 where execution_id = ?').bind(A).run()
		expect((await collisions.forecast(B)).waitFor).toEqual([])
	})

	it('never goes in a circle, whatever happens in between', async () => {
		const all = [A, B, C]
		const waitsFor = async () => new Map(await Promise.all(all.map(async (one) => [one, (await collisions.forecast(one)).waitFor] as const)))
		const steps = [
			() => Promise.all(all.toReversed().map((one) => collisions.declare(subject(one), lines(1, 5)))),
			() => collisions.observe(subject(C), [{ path: 'f', ranges: [[2, 2]] }]),
			() => record(B, setOf({ id: '2', patches: [replace(2, 2)] })),
			() => collisions.observe(subject(A), [{ path: 'f', ranges: [[2, 3]] }]),
			() => collisions.observe(subject(C), []),
		]
		let waits = 0
		for (const step of steps) {
			await step()
			for (const [one, others] of await waitsFor()) {
				waits += others.length
				for (const other of others) expect(all.indexOf(other)).toBeLessThan(all.indexOf(one))
			}
		}
		expect(waits).toBeGreaterThan(5)
	})

	it('is nobody for a subject that is not known', async () => {
		expect(await collisions.forecast('EXE-nobody')).toEqual({ collisions: [], waitFor: [] })
	})
})

describe('bad input', () => {
	it.each([
		['no list', 'f'],
		['nothing', undefined],
		['a file without ranges', [{ path: 'f' }]],
		['a path that is none', [{ path: 5, ranges: [] }]],
		['an endless path', [{ path: 'x'.repeat(5000), ranges: [] }]],
		['ranges that are no numbers', [{ path: 'f', ranges: [[Number.NaN, Number.NaN]] }]],
		['halves of lines', [{ path: 'f', ranges: [[1.5, 2]] }]],
		['a range that ends before it starts', [{ path: 'f', ranges: [[5, 3]] }]],
		['a range of one number', [{ path: 'f', ranges: [[5]] }]],
		['lines before the first', [{ path: 'f', ranges: [[0, 1]] }]],
		['lines without end', [{ path: 'f', ranges: [[1, Infinity]] }]],
	])('refuses %s, and changes nothing', async (_name, files) => {
		await collisions.observe(subject(A), [{ path: 'g', ranges: [] }])
		await expect(collisions.observe(subject(A), files)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await collisions.observe(subject(B), [{ path: 'g', ranges: [] }])
		expect(await kinds(A)).toEqual(['overlap g'])
	})

	it.each([
		['lines in the wrong order', lines(5, 1)],
		['a start without an end', [{ path: 'f', start: 1 }]],
		['no path', [{ path: '' }]],
	])('refuses a scope with %s', async (_name, scope) => {
		await expect(collisions.declare(subject(A), scope)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})

	it('keeps 500 of 10,000 files, and none with an odd path', async () => {
		await collisions.observe(subject(A), [{ path: '../up', ranges: [] }, { path: '__proto__', ranges: [[1, 1]] }, ...Array.from({ length: 10_000 }, (_, index) => ({ path: `f${index}`, ranges: [] }))])
		await collisions.observe(subject(B), [{ path: '../up', ranges: [] }, { path: '__proto__', ranges: [[1, 1]] }, { path: 'f498', ranges: [] }, { path: 'f499', ranges: [] }])
		expect((await kinds(B)).sort()).toEqual(['overlap __proto__', 'overlap f498'])
	})

	it.each([
		['neither workspace nor subject', {}],
		['a cursor of another kind', { subjectId: A, page: { cursor: '1 or 1=1' } }],
	])('lists nothing for %s', async (_name, filter) => {
		await expect(collisions.list(filter)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})
})

it('lists in pages, newest first', async () => {
	const files = Array.from({ length: 5 }, (_, index) => ({ path: `f${index}`, ranges: [] }))
	await collisions.observe(subject(A), files)
	await collisions.observe(subject(B), files)
	const seen: string[] = []
	for (let cursor: string | undefined, more = true; more; ) {
		const page = await collisions.list({ workspaceId: WORKSPACE, page: { limit: 2, ...(cursor === undefined ? {} : { cursor }) } })
		seen.push(...page.items.map(({ path }) => path))
		more = page.nextCursor !== null
		cursor = page.nextCursor ?? undefined
	}
	expect(seen).toEqual(['f4', 'f3', 'f2', 'f1', 'f0'])
})
